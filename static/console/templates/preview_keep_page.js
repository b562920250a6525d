// In the place of static/executor/keep_page.js while a template is previewed in the editor: no service worker.

export function keepPages() {}
