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
    active?.postMessage({ keep: session.run.run_id, urls: [...new Set([...files, ...urls].map(named))] });
    if (active) keepPictures(session, active);
  } catch {
    // No room, or not allowed: a reload needs the network then.
  }
}

/** The address of a file as the HTML names it, also of one that came under another at a second try (guard.js). */
function named(url) {
  return url.replace(/~\d+\//, "/");
}

/** Keeps what the steps show, as soon as it is known, with the module that shows it. */
function keepPictures(session, worker) {
  let kept = null;
  const keep = () => {
    const { shown, closed, run } = session;
    if (closed || kept === shown) return;
    kept = shown;
    const pictures = Object.values(shown.pictures).flatMap((one) => [one.thumbnail_url, one.url]);
    const urls = [named(new URL("../steps/pictures.js", import.meta.url).href)];
    if (pictures.length) worker.postMessage({ run: run.run_id, pictures, urls });
  };
  session.addEventListener("change", keep);
  keep();
}
