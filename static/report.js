// A report's page: it prints once all photos are there, and a shared one tells that somebody sees it.

const button = document.getElementById("print");
const { opened } = document.body.dataset;

async function printWhole() {
  await Promise.allSettled([...document.images].map((one) => one.decode()));
  print();
}

function tell() {
  if (document.visibilityState !== "visible") return;
  document.removeEventListener("visibilitychange", tell);
  fetch(opened, { method: "POST", keepalive: true }).catch(() => undefined);
}

if (button) {
  button.hidden = false;
  button.addEventListener("click", printWhole);
}
// The console's button sends the form first, so that what is ticked is what is printed.
const query = new URLSearchParams(location.search);
if (query.has("print")) {
  query.delete("print");
  history.replaceState(null, "", `?${query}`);
  printWhole();
}
if (opened) {
  document.addEventListener("visibilitychange", tell);
  tell();
}
