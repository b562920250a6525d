// In the place of static/executor/offline/keep_page.js while a template is previewed in the editor: no service worker.

export function keepPages() {}
