// The page, wired: start screen → checklist ⇄ review → thank you; or the end that came from elsewhere.

import { announce, h } from "./dom.js";
import { Outbox } from "./outbox.js";
import { Session } from "./session.js";
import { t } from "./words.js";

const state = JSON.parse(document.getElementById("state").textContent);
const outbox = new Outbox(`/r/${state.run.run_id}`);
const session = new Session(state, outbox);
const app = document.getElementById("app");
const steps = session.rows.map(({ step }) => step);
let parts = null;

history.scrollRestoration = "manual"; // the list and the review bring their own places back
document.title = state.template.name;
session.addEventListener("closed", async ({ detail }) => {
  const { closed } = await import("./closing.js");
  show(closed(session, detail));
});
addEventListener("beforeunload", (event) => {
  if (!session.closed && !session.isSettled) event.preventDefault();
});

if (state.run.status === "pending") {
  const { wireStart } = await import("./start.js");
  wireStart(session, app, work);
} else {
  await work();
}
fetchAhead();

/** The checklist's own modules, as far as this template's steps need them. */
function loadParts() {
  const has = (...types) => steps.some((step) => types.includes(step.type));
  const names = ["form"];
  if (has("boolean", "choice", "multi_choice", "rating")) names.push("choices");
  if (has("text", "number", "datetime", "barcode")) names.push("inputs");
  if (has("photo", "signature", "instruction") || steps.some((step) => step.photo)) names.push("evidence");
  parts ??= Promise.all(names.map((name) => import(`./${name}.js`)));
  return parts;
}

async function work() {
  const [{ Form }] = await loadParts();
  if (session.closed) return;
  const form = new Form(session, { onReview: () => openReview(form) });
  show(form.element);
  form.bringFirstOpen();
  if (state.run.status === "pending") announce(t("started"));
}

let review = null;

async function openReview(form) {
  const blocked = form.flush();
  if (blocked) return form.bring(blocked, true);
  if (!review) {
    const { Review } = await import("./review.js");
    review = new Review(session, { onBack: (stepIds) => leaveReview(form, stepIds), onDone: finish });
    app.append(review.element);
  }
  review.from = scrollY;
  form.element.hidden = true;
  review.element.hidden = false;
  review.open();
  // The phone's own "back" leads to the list, not out of the run.
  if (location.hash !== "#review") history.pushState(null, "", "#review");
  onpopstate = () => location.hash !== "#review" && !review.element.hidden && showList(form, []);
}

function leaveReview(form, stepIds) {
  showList(form, stepIds);
  if (location.hash === "#review") history.back();
}

function showList(form, stepIds) {
  review.element.hidden = true;
  form.element.hidden = false;
  scrollTo(0, review.from);
  const standings = session.evaluate().steps;
  const missing = stepIds.filter((id) => standings.get(id)?.missing);
  if (missing.length) form.showMissing(missing);
  else if (stepIds.length) form.bring(document.getElementById(stepIds[0]), true);
}

async function finish(run) {
  const { thanks } = await import("./closing.js");
  history.replaceState(null, "", location.pathname + location.search);
  show(thanks(session, { ...session.run, ...run }));
}

function show(view) {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  app.replaceChildren(view);
  scrollTo(0, 0);
  if (!view.matches(".form")) view.querySelector("h1")?.focus({ preventScroll: true });
}

/** What may be needed later is fetched while the network is there, after everything the first screen needs. */
function fetchAhead() {
  const later = ["review", "closing"];
  if (steps.some((step) => step.photo || step.type === "photo" || step.type === "barcode")) later.push("photos");
  if (steps.some((step) => step.photo?.annotate || step.config?.annotate)) later.push("annotate");
  if (steps.some((step) => step.type === "signature") || state.template.settings?.signature_on_complete) later.push("signature", "photos");
  if (steps.some((step) => step.type === "barcode") && "BarcodeDetector" in window) later.push("scan");
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 1500));
  setTimeout(() => idle(() => {
    loadParts();
    for (const name of new Set(later)) document.head.append(h("link", { rel: "modulepreload", href: new URL(`./${name}.js`, import.meta.url).href }));
  }), 800);
}
