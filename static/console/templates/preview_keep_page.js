// Replaces static/executor/offline/keep_page.js in the preview of the editor: it has no service worker.

export function keepPage() {}
