// The checklist: all steps in one list by section, the progress above it, and below it the buttons for the next step
// and the review.
//
// A list instead of one step at a time: with 25 steps, most of them one tap, a "Next" button doubles the taps, and
// every page turn costs time and the overview. Here a tap answers, and the next open step scrolls into view unless it
// is visible as a whole; going back is a flick.

import {
  announce, h, icon, makeButton, scrollBehavior, setAttr, setText, t, textAttributes, withLinks,
} from "../dom.js";
import { loadModule } from "../http.js";
import { stepIdOf } from "../rules.js";

const LARGE = 0.7;               // visible part of a card from which its button is taken to be visible
const FOLDING_DELAY_MS = 1000;   // after the first screen
const READING_MS = 3000;         // in which a flagged answer's words are not scrolled away

export * from "./step.js";
export * from "./told.js";

export class Form {
  #sections = [];
  #seen = new Set();    // cards that are at least partly on the screen
  #large = new Set();   // cards that are mostly on the screen
  #told = null;         // the card at which the list stays, so that its flag's words can be read

  constructor(session, { onReview }) {
    this.session = session;
    this.onReview = onReview;
    this.element = h("div", { class: "form" });
    this.header = this.#header();
    this.footer = this.#footer();
    this.list = h("main", { class: "list", id: "list" }, ...this.#notices(), ...this.#cards());
    this.element.append(this.header, this.list, this.footer);
    this.#watchScreen();
    this.element.addEventListener("go-on", (event) => this.#goOn(event.target.closest(".step")));
    // A tap outside a field leaves it, also on a button, which gets no focus in Safari.
    addEventListener("pointerdown", (event) => this.#leaveFields(event.target), { passive: true });
    session.addEventListener("change", () => this.#refresh());
    session.addEventListener("run", () => this.#showSending());
    session.addEventListener("elsewhere", ({ detail }) => announce(
      [...detail.steps.slice(0, 3).map((id) => session.stepById.get(id).label), t("changed_elsewhere")].join(". ")));
    this.#refresh();
  }

  /** Saves all typed text. → the first step whose text is invalid, or null. */
  flush() {
    for (const step of this.element.querySelectorAll(".step[editing]")) if (!step.hidden && !step.flush()) return step;
    return null;
  }

  /** Marks steps as missing and scrolls to the first of them. */
  showMissing(stepIds) {
    for (const step of this.#steps()) {
      setAttr(step, "missing", stepIds.includes(step.id) && !step.hasAttribute("done"));
      step.update();
    }
    const first = this.#steps().find((step) => stepIds.includes(step.id));
    if (first) this.bring(first, true);
  }

  /** Scrolls to a step, and unfolds it. */
  bring(step, withFocus = false, behavior = scrollBehavior()) {
    step.removeAttribute("folded");
    const height = innerHeight - this.header.offsetHeight - this.footer.offsetHeight;
    const block = step.offsetHeight < height * 0.9 ? "center" : "start";
    step.scrollIntoView({ behavior, block });
    if (withFocus) step.querySelector("h3").focus({ preventScroll: true });
  }

  /** Shows at a step, or at its remark, that a photo was lost when the phone ended the page for its camera. */
  showLostPhoto(stepId) {
    const step = this.#steps().find((one) => one.id === stepIdOf(stepId));
    if (!step) return;
    this.bring(step, true);
    const field = step.querySelector("photo-field, photo-slots"); // photo-slots is defined a moment after the list
    if (step.id !== stepId) {
      loadModule("steps/remark").then(({ editRemark }) => editRemark(this.session, step.step, true));
    } else if (field) customElements.whenDefined(field.localName).then(() => field.showLostPhoto());
  }

  /** Shows the table of contents, and goes to the first open step of the section that is chosen there. */
  async openContents() {
    const blocked = this.flush();
    if (blocked) return this.bring(blocked, true);
    const { openContents } = await loadModule("contents");
    const chosen = await openContents(this.session, this.#sections);
    if (chosen) this.bring(chosen, true);
  }

  /** Scrolls to the place where the person left off: the next open step behind the last done one. */
  resume() {
    const last = this.#steps().reverse().find((step) => !step.hidden && step.hasAttribute("done"));
    if (last) this.bring(this.#nextOpen(last) ?? last, false, "instant");
  }

  /** Observes which cards are on the screen: these do not fold, and one of them may have the next action. */
  #watchScreen() {
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting, intersectionRatio } of entries) {
        this.#seen[isIntersecting ? "add" : "delete"](target);
        this.#large[intersectionRatio >= LARGE ? "add" : "delete"](target);
      }
      this.showLead();
    }, { threshold: [0, LARGE] });
    for (const step of this.#steps()) watch.observe(step);
    // Not before the first screen: no step is done that early.
    setTimeout(async () => {
      new (await loadModule("steps/folding")).Folding(this.session, this, this.#seen);
    }, FOLDING_DELAY_MS);
  }

  /** Fills one button, the next action: a button of the next open card while that is on the screen, else the button
   *  that leads to it, or to the review. */
  showLead() {
    const stepStates = this.session.evaluate().steps;
    const isOpen = (step) => this.#large.has(step) && stepStates.get(step.id).visible && !stepStates.get(step.id).done;
    const next = this.#steps().find(isOpen) ?? this.#nextOpen(null);
    const isOwn = next !== null && this.#large.has(next) && next.querySelector(".button.primary") !== null;
    for (const step of this.#steps()) setAttr(step, "lead", isOwn && step === next);
    this.nextButton.classList.toggle("primary", next !== null && !isOwn && !this.isAllDone);
    this.reviewButton.classList.toggle("primary", this.isAllDone && !isOwn);
  }

  #steps() {
    return this.#sections.flatMap(({ steps }) => steps);
  }

  #header() {
    const { session } = this;
    const hasContents = session.rows.some(({ section }) => section);
    const openContents = () => this.openContents();
    this.done = hasContents ? makeButton("done-count", openContents) : h("span", { class: "done-count" });
    this.sending = h("span", { class: "sending", role: "status" });
    const barLabels = { role: "progressbar", "aria-label": t("progress"), "aria-valuemin": "0" };
    this.bar = h("div", { class: "bar", ...barLabels }, h("span", {}));
    const openMenu = async () => (await loadModule("menu")).openMenu(session, hasContents ? openContents : null);
    const menu = makeButton("quiet round", openMenu, icon("dots"));
    setAttr(menu, "aria-label", t("menu"));
    this.storage = h("p", { class: "notice storage", role: "alert", hidden: true }, icon("alert"), h("span", {}));
    return h("header", { class: "top" },
      h("div", { class: "top-row" }, h("h1", textAttributes(""), session.template.name), menu),
      this.bar,
      h("div", { class: "top-row small" }, this.done, this.sending),
      this.storage);
  }

  #footer() {
    this.nextButton = makeButton("button", () => this.#goToNext(), icon("down"), h("span", {}, t("next_open")));
    this.reviewButton = makeButton("button", () => this.onReview(), h("span", {}, t("review")));
    return h("footer", { class: "bottom" }, this.nextButton, this.reviewButton);
  }

  #notices() {
    const wantsPlace = this.session.rows.some(({ step }) => step.geo);
    const insecure = wantsPlace && this.session.geo.availability() === "insecure";
    return insecure ? [h("p", { class: "notice" }, icon("alert"), h("span", {}, t("no_position_insecure")))] : [];
  }

  #cards() {
    const groups = new Map();
    for (const { step, section } of this.session.rows) {
      if (!groups.has(section)) groups.set(section, []);
      groups.get(section).push(document.createElement(`step-${step.type}`).prepare(this.session, step));
    }
    for (const [section, steps] of groups) {
      const count = h("span", { class: "section-count soft" });
      const plainHead = [h("h2", { class: "visually-hidden" }, t("steps_label"))];
      const head = section ? this.#sectionHead(section, count) : plainHead;
      const allFine = section ? this.#allFine(section) : null;
      const element = h("section", { class: "section" }, ...head, allFine, ...steps);
      this.#sections.push({ section, element, steps, count, allFine });
    }
    return this.#sections.map(({ element }) => element);
  }

  #sectionHead({ id, title, description }, count) {
    const text = { class: "soft section-text", ...textAttributes(id) };
    return [
      h("div", { class: "section-head" }, h("h2", textAttributes(id), title), count),
      description ? h("p", text, withLinks(description)) : null,
    ];
  }

  /** → a button that answers all steps of a section with yes; null unless all are yes or no with the same word for
   *  yes. */
  #allFine({ steps }) {
    const isPlain = (step) => step.type === "boolean" && !step.photo?.min;
    const words = new Set(steps.map((step) => (isPlain(step) ? step.config?.true_label ?? t("yes") : null)));
    if (steps.length < 2 || words.size > 1 || words.has(null)) return null;
    const { session } = this;
    const answerAll = () => {
      const cards = steps.map(({ id }) => document.getElementById(id));
      // One after the other, since an answer may make the next step visible.
      const isOpen = ({ id, hidden }) => !hidden && !session.answerOf(id) && session.job.proposed(id) !== false;
      const answered = cards.filter((card) => isOpen(card) && card.save(true));
      this.#goOn(cards.filter((card) => !card.hidden).at(-1), answered);
    };
    const label = h("span", {}, t("all_fine", { answer: [...words][0] }));
    return makeButton("button all-fine", answerAll, icon("check"), label);
  }

  /** Shows the visible steps, the counts and the progress. */
  #refresh() {
    const { steps: stepStates, progress } = this.session.evaluate();
    for (const { element, steps, count, allFine } of this.#sections) {
      const visible = steps.filter((step) => stepStates.get(step.id).visible);
      for (const step of steps) if (step.hidden === stepStates.get(step.id).visible) step.hidden = !step.hidden;
      setAttr(element, "hidden", visible.length === 0);
      if (allFine) setAttr(allFine, "hidden", !visible.some((step) => stepStates.get(step.id).state === "untouched"));
      const done = visible.filter((step) => stepStates.get(step.id).done).length;
      setText(count, t("section_count", { done, n: visible.length }));
    }
    const done = progress.answered + progress.skipped + progress.unable;
    setText(this.done, t("done_count", { done, n: progress.total }));
    this.bar.setAttribute("aria-valuenow", String(done));
    this.bar.setAttribute("aria-valuemax", String(progress.total));
    this.bar.style.setProperty("--part", progress.total ? done / progress.total : 1);
    this.isAllDone = ![...stepStates.values()].some((stepState) => stepState.missing);
    this.showLead();
    setAttr(this.nextButton, "disabled", !this.#nextOpen(null));
    this.#showSending();
  }

  /** Shows in the header how safe everything is. */
  #showSending() {
    const { session } = this;
    const photos = session.photoStore.counts();
    const attention = session.needsAttention.length;
    const { outbox } = session;
    let said = ["", ""];
    const unkept = outbox.unsent.some((item) => item.stored === "no");
    setAttr(this.storage, "hidden", !unkept);
    const trouble = t(outbox.trouble === "full" ? "storage_full" : "storage_none");
    if (unkept) setText(this.storage.querySelector("span"), trouble);
    const waits = outbox.isStuck ? "phone" : "sending";
    if (attention) said = ["alert", t("attention_count", { n: attention })];
    else if (photos.safe < photos.total) said = [waits, t("photos_safe", { safe: photos.safe, n: photos.total })];
    else if (outbox.isBackingOff && outbox.unsent.length) said = ["sending", t("busy")];
    else if (outbox.isStuck && outbox.unsent.length) said = ["phone", t("stuck_all", { n: outbox.unsent.length })];
    else if (outbox.unsent.length || !session.isSure) said = ["sending", t("saving")];
    else if (this.element.querySelector(".step[editing]:not([hidden])")) said = ["pen", t("being_written")];
    else if (Object.keys(session.answers).length && !session.lost.length) said = ["check", t("all_safe")];
    const key = said.join(" ");
    if (this.sending.dataset.key === key) return;
    this.sending.dataset.key = key;
    setAttr(this.sending, "kind", said[0] || null);
    this.sending.replaceChildren(...(said[0] ? [icon(said[0])] : []), h("span", {}, said[1]));
  }

  /** → the next open step after `from` (null: from the start); behind the last one the first that is missing; or
   *  null. */
  #nextOpen(from) {
    const { steps: stepStates } = this.session.evaluate();
    const steps = this.#steps().filter((step) => stepStates.get(step.id).visible);
    const start = from ? steps.indexOf(from) + 1 : 0;
    const isOpen = (step) => !stepStates.get(step.id).done;
    const isMissing = (step) => isOpen(step) && stepStates.get(step.id).missing;
    return steps.slice(start).find(isOpen) ?? steps.slice(0, start).find(isMissing) ?? null;
  }

  /** Scrolls to the next open step behind the card `from`; but not while the words of a card just `answered` and
   *  flagged are being read. */
  #goOn(from, answered = [from]) {
    this.#told = answered.find((card) => performance.now() - card?.told?.shownAt < READING_MS);
    if (this.#told) return this.#told.told.element.scrollIntoView({ behavior: scrollBehavior(), block: "nearest" });
    const { steps: stepStates } = this.session.evaluate();
    if (from && !stepStates.get(from.id).done) return; // its photos are still missing
    const next = this.#nextOpen(from);
    // After the answer is drawn, so that steps that it makes visible are in place.
    requestAnimationFrame(() => {
      if (!next) this.footer.scrollIntoView({ block: "nearest" });
      else if (!this.#isInSight(next)) this.bring(next);
    });
  }

  /** True for a card that is visible as a whole. The list then stays, so that a second tap does not hit another
   *  card. */
  #isInSight(step) {
    const { top, bottom } = step.getBoundingClientRect();
    const [from, to] = [this.header.getBoundingClientRect().bottom, this.footer.getBoundingClientRect().top];
    return top >= Math.max(0, from) && bottom <= to;
  }

  /** Scrolls to the next open step behind the step in the middle of the screen. */
  #goToNext() {
    const blocked = this.flush();
    if (blocked) return this.bring(blocked, true);
    const middle = innerHeight / 2;
    const isInTheMiddle = (step) => {
      const { top, bottom } = step.getBoundingClientRect();
      return top < middle - 1 && bottom > middle - 1;
    };
    const inTheMiddle = this.#steps().filter((step) => !step.hidden && isInTheMiddle(step)).at(-1);
    // Or behind the flagged step that was just read.
    const next = this.#nextOpen(this.#seen.has(this.#told) ? this.#told : inTheMiddle) ?? this.#nextOpen(null);
    this.#told = null;
    return next && this.bring(next, true);
  }

  #leaveFields(target) {
    for (const step of this.element.querySelectorAll(".step[editing]")) if (!step.contains(target)) step.flush();
  }
}
