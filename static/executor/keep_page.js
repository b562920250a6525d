// Lets the service worker keep this page on the phone, so that it opens again without network. Only over https or on
// localhost: elsewhere browsers have no service workers, and the page still works, but for that.

/** `urls`: modules that this page will need later; those it has loaded are found here. */
export async function keepPages(session, urls) {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("/r/sw.js");
    const { active } = await navigator.serviceWorker.ready;
    if (session.closed) return;
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    const files = loaded.filter((name) => new URL(name).pathname.startsWith("/static/"));
    // As the HTML names them, also what came under another address at a second try (guard.js).
    const named = [...files, ...urls].map((url) => url.replace(/~\d+\//, "/"));
    active?.postMessage({ keep: session.run.run_id, urls: [...new Set(named)] });
  } catch {
    // No room, or not allowed: a reload needs the network then.
  }
}

/** Lets the service worker keep what the run's steps show as long as the run's page, and the module that shows it. */
export async function keepPictures(session) {
  const { active } = (await navigator.serviceWorker?.ready) ?? {};
  const pictures = Object.values(session.shown.pictures).flatMap((one) => [one.thumbnail_url, one.url]);
  const urls = [new URL("./pictures.js", import.meta.url).href];
  if (!session.closed) active?.postMessage({ run: session.run.run_id, pictures, urls });
}
