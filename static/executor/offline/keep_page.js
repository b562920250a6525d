// Has the service worker keep this page on the phone, so that it opens without network. Only over https or on
// localhost: elsewhere browsers have no service workers, and all else still works.

/** Keeps this page, the files it has loaded, and `urls`: modules that it will need later. */
export async function keepPage(session, urls) {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("/r/sw.js");
    const { active } = await navigator.serviceWorker.ready;
    if (session.closed) return;
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    const files = loaded.filter((name) => new URL(name).pathname.startsWith("/static/"));
    active?.postMessage({ keep: session.run.run_id, urls: [...new Set([...files, ...urls].map(htmlAddress))] });
    if (active) keepPictures(session, active);
  } catch {
    // The storage is full, or not allowed: a reload then needs the network.
  }
}

/** → a file's address as in the HTML, without the number of a repeated attempt (guard.js, http.js). */
function htmlAddress(url) {
  return url.replace(/~\d+\//, "/").replace(/\?\d+$/, "");
}

/** Keeps the steps' pictures as soon as they are known, with the module that opens them. */
function keepPictures(session, worker) {
  let kept = null;
  const keep = () => {
    const { shown, closed, run } = session;
    if (closed || kept === shown) return;
    kept = shown;
    const pictures = Object.values(shown.pictures).flatMap((one) => [one.thumbnail_url, one.url]);
    const urls = [htmlAddress(new URL("../steps/pictures.js", import.meta.url).href)];
    if (pictures.length) worker.postMessage({ run: run.run_id, pictures, urls });
  };
  session.addEventListener("change", keep);
  keep();
}
