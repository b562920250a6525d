// In the place of static/executor/pages.js while a template is looked at in the editor: no service worker.

export function keepPages() {}
