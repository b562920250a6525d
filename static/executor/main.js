// Connects the parts of the page: start screen → checklist ⇄ review → waiting → thank you; or an end from elsewhere.
// The server sends all that the first screens need within this file (rundun/web/pages/static.py).

import { announce, h, isPageLanguage, languageUrl, t } from "./dom.js";
import { connectJob, connectStartScreen, jobFold } from "./job.js";
import { Outbox } from "./offline/outbox.js";
import { Drafts, OtherPhones, Session } from "./session.js";
import * as db from "./offline/db.js";
import { uuid } from "./rules.js";
import { connectStart } from "./start.js";
import { Form } from "./steps/form.js";
import { loadModule } from "./http.js";
import { mayRemark } from "./rules.js";

// For modules that are loaded later. They import only what is here already: of a lost import they could not tell, and
// Firefox and WebKit would not ask for it again.
export * from "./job.js";
export * from "./photos/fields.js";
export * from "./steps/fields.js";
export * from "./steps/status.js";
export * from "./steps/told.js";

const POLL_INTERVAL_MS = 15_000;   // between two polls of the server's state
// The modules that photos need.
const PHOTO_PARTS = ["photos/prepare", "photos/dialog"];
const TOUCH_INTERVAL_MS = 5_000;   // after which a tap polls sooner

dispatchEvent(new Event("begun")); // guard.js: all scripts of the first screen are here
const state = JSON.parse(document.getElementById("state").textContent);
const chosen = db.chosenLanguage(state.run.run_id);
const outbox = new Outbox(state.run.run_id);
const session = new Session(state, outbox, new Drafts(state.run.run_id, db, uuid()));
session.otherPhones = new OtherPhones(session, outbox);
const app = document.getElementById("app");
const startScreen = app.querySelector(".start");   // null if the run was started when the page was made
const steps = session.rows.map(({ step }) => step);
let lost = null;   // the id of the step for which a photo was being taken when the phone ended the page
let form = null;
let review = null;
let waiting = null;
let isGoingBack = false;
let polledAt = performance.now();
let isJobShown = false;

history.scrollRestoration = "manual"; // list and review restore their own positions
document.title = state.template.name;
session.addEventListener("closed", async ({ detail }) => {
  const { closedView } = await loadModule("end/closing");
  show(closedView(session, detail));
});
session.addEventListener("completed", async ({ detail }) => {
  const { thanksView } = await loadModule("end/closing");
  history.replaceState(null, "", location.pathname + location.search);
  show(thanksView(session, { ...session.run, ...detail.run }, detail.generation));
});
session.addEventListener("unstarted", () => startScreen ?? location.reload()); // the server makes one
session.addEventListener("put-back", () => {
  if (session.isBegun && !form) showForm();
  showPutBack();
});
session.job.addEventListener("change", showJob);
session.addEventListener("incomplete", ({ detail }) => form && stopWaiting(detail.problem));
addEventListener("beforeunload", (event) => {
  const isKept = session.outbox.unsent.every((item) => item.stored === "yes");
  if (!session.closed && !(isKept && session.photoStore.counts().preparing === 0)) event.preventDefault();
});
setInterval(() => document.visibilityState === "visible" && pollNow(), POLL_INTERVAL_MS);
addEventListener("pointerdown", () => performance.now() - polledAt > TOUCH_INTERVAL_MS && pollNow(), { passive: true });
addEventListener("online", pollNow);
addEventListener("pagehide", () => session.flush());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") pollNow();
  else session.flush();
});

if (chosen && !isPageLanguage(chosen) && !new URLSearchParams(location.search).has("lang")) {
  location.replace(languageUrl(chosen)); // the page in that language does the work
} else {
  open();
}

/** Shows the first screen: what earlier visits left on this phone, over the server's state. */
async function open() {
  // A failed read must not end the page: each poll looks for stored items again.
  lost = await session.restore().catch(() => void (outbox.trouble ??= "none"));
  // A page of before the server was restored: where the start needs a name, the server refuses this one.
  if (!startScreen && !session.closed && !session.isBegun) outbox.start({});
  if (!session.closed && session.isBegun) {
    showForm();
    if (session.lost.length) showPutBack();
  }
  if (startScreen && !session.closed && session.run.status === "pending") {
    // Also when the start is queued since an earlier visit: the server may still refuse it.
    connectStart(session, startScreen, showForm);
    if (session.job.hasContent) connectStartScreen(session, startScreen);
  }
  outbox.kick();
  dispatchEvent(new Event("usable")); // guard.js waits for it
  const later = h("link", { rel: "stylesheet", href: new URL("./styles/later.css", import.meta.url).href });
  setTimeout(() => document.head.append(later)); // styles of dialogs and later screens: not before the list
  // The page may be an old one from this phone, and never contains secrets.
  if (navigator.serviceWorker?.controller || !session.job.isComplete || !session.isSure) session.poll();
  fetchAhead();
}

/** Fetches changes made on other phones or by the sender of the link. */
function pollNow() {
  polledAt = performance.now();
  session.poll();
}

/** Shows the checklist, and over it the waiting screen of a finished run. */
function showForm() {
  if (session.closed) return;
  form ??= new Form(session, { onReview: openReview });
  show(form.element);
  showJob();
  form.resume();
  if (session.isFinished) return openWaiting();
  announce(t("started"));
  if (lost) form.showLostPhoto(lost);
  lost = null;
}

/** Shows the job in the checklist, once; also when it may be incomplete because the server does not know of the start
 *  yet. */
function showJob() {
  if (isJobShown || !form || !(session.job.hasContent || !session.job.isStarted)) return;
  isJobShown = true;
  connectJob(session, form);
}

/** Inserts the folded job beside `element`; `where` as for insertAdjacentElement. */
function addJob(element, where) {
  if (session.job.hasContent) element.insertAdjacentElement(where, jobFold(session));
}

/** Shows that an older copy of the data was put back, wherever the page has a header. */
async function showPutBack() {
  const kept = await loadModule("offline/kept");
  kept.showPutBack(session, [...document.querySelectorAll(".form > .top, .start .start-head")]);
}

async function openReview() {
  const blocked = form.flush();
  if (blocked) return form.bring(blocked, true);
  if (!review) {
    const { Review } = await loadModule("review");
    review = new Review(session, { onBack: leaveReview, onWait: openWaiting });
    app.append(review.element);
    addJob(review.summary, "beforebegin");
  }
  review.from = scrollY;
  form.element.hidden = true;
  review.element.hidden = false;
  review.open();
  // The phone's own "back" leads to the list, not out of the run.
  if (location.hash !== "#review") history.pushState(null, "", "#review");
  onpopstate = () => location.hash !== "#review" && !review.element.hidden && showList([]);
}

function leaveReview(stepIds) {
  showList(stepIds);
  leaveReviewAddress();
}

/** Goes back to the list's address, once: going back takes a moment, and a second time would leave the page. */
function leaveReviewAddress() {
  if (location.hash !== "#review" || isGoingBack) return;
  isGoingBack = true;
  addEventListener("popstate", () => (isGoingBack = false), { once: true });
  history.back();
}

function showList(stepIds) {
  if (review) review.element.hidden = true;
  form.element.hidden = false;
  scrollTo(0, review?.from ?? 0);
  const stepStates = session.evaluate().steps;
  const missing = stepIds.filter((id) => stepStates.get(id)?.missing);
  if (missing.length) form.showMissing(missing);
  else if (stepIds.length) form.bring(document.getElementById(stepIds[0]), true);
}

/** Shows the waiting screen of a run that is finished on this phone. */
async function openWaiting() {
  if (waiting || !session.isFinished) return;
  const { Waiting } = await loadModule("end/waiting");
  if (waiting || !session.isFinished || session.closed) return;
  waiting = new Waiting(session, { onBack: leaveWaiting });
  form.element.hidden = true;
  if (review) review.element.hidden = true;
  app.append(waiting.element);
  addJob(waiting.element, "beforeend");
  scrollTo(0, 0);
  waiting.element.querySelector("h1").focus({ preventScroll: true });
  waiting.update();
}

function leaveWaiting(stepIds) {
  session.keepWorking();
  waiting?.leave();
  waiting = null;
  leaveReviewAddress();
  showList(stepIds);
}

/** Returns to the list, or to the review, after the server refused the completion. */
function stopWaiting(problem) {
  const stepIds = (problem.members?.errors ?? []).map((error) => error.step_id).filter(Boolean);
  if (stepIds.length || !review) return leaveWaiting(stepIds);
  waiting?.leave();
  waiting = null;
  review.element.hidden = false;
  return review.showRefusal(problem);
}

/** Shows a screen in place of the present one, and closes all dialogs. */
function show(view) {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  app.replaceChildren(view);
  scrollTo(0, 0);
  if (!view.matches(".form")) view.querySelector("h1")?.focus({ preventScroll: true });
}

/** Fetches the modules that may be needed later, after everything that the first screen needs, and keeps the page. */
function fetchAhead() {
  const later = [
    "dialog", "menu", "contents", "review", "end/closing", "end/waiting", "steps/menu", "steps/folding", "steps/rival",
    "offline/zip", "offline/kept", "offline/refused",
  ];
  if (mayRemark(state.template)) later.push("steps/remark", ...PHOTO_PARTS);
  if (Object.keys(session.shown?.pictures ?? {}).length) later.push("steps/pictures");
  if (steps.some((step) => step.photo || step.type === "photo")) later.push(...PHOTO_PARTS);
  if (steps.some((step) => step.config?.slots)) later.push("photos/slots");
  if (steps.some((step) => step.geo)) later.push("steps/geo");
  if (!globalThis.crypto.subtle) later.push("offline/sha256");
  if (steps.some((step) => step.photo?.annotate || step.config?.annotate)) later.push("photos/annotate");
  const isSigned = steps.some((step) => step.type === "signature") || state.template.settings?.signature_on_complete;
  if (isSigned) later.push("photos/signature", "photos/prepare");
  if (steps.some((step) => step.type === "barcode")) later.push("photos/scan", "photos/prepare");
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 1500));
  setTimeout(() => idle(async () => {
    const urls = [...new Set(later)].map((name) => new URL(`./${name}.js`, import.meta.url).href);
    for (const href of urls) document.head.append(h("link", { rel: "modulepreload", href }));
    (await loadModule("offline/keep_page")).keepPage(session, urls);
    (await loadModule("offline/kept")).deleteOverdue().catch(() => {});
  }), 800);
}
