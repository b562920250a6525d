// The checklist: every step in one list by section, with the progress above and the buttons that lead on below.
//
// Why a list and not one step at a time: with 25 steps, most of them one tap, a "Next" button doubles the taps and
// every page turn costs a wait and the overview. Here a tap answers, and the next open step glides into sight where it
// is not yet seen whole; going back to look at something is a flick.

import {
  announce, h, icon, makeButton, scrollBehavior, setAttr, setText, t, textAttributes, withLinks,
} from "../dom.js";
import { loadModule } from "../http.js";
import { stepIdOf } from "../rules.js";

const MOST = 0.7;                 // of a card, so that its button is on the screen, too
const FOLDING_DELAY_MS = 1000;   // the first screen comes first
const READING_MS = 3000;         // in which what an answer tells is not scrolled away

export * from "./step.js";
export * from "./told.js";

export class Form {
  #sections = [];
  #seen = new Set();    // cards on the screen, or a part of them
  #large = new Set();   // cards of which most is on the screen
  #told = null;         // the card at which the list has stayed for what it tells

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
    // A tap elsewhere leaves a field, also where a button takes no focus (Safari).
    addEventListener("pointerdown", (event) => this.#leaveFields(event.target), { passive: true });
    session.addEventListener("change", () => this.#refresh());
    session.addEventListener("run", () => this.#showSending());
    session.addEventListener("elsewhere", ({ detail }) => announce(
      [...detail.steps.slice(0, 3).map((id) => session.stepById.get(id).label), t("changed_elsewhere")].join(". ")));
    this.#refresh();
  }

  /** Saves everything typed. → the first step whose field could not be saved, or null. */
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

  bring(step, withFocus = false, behavior = scrollBehavior()) {
    step.removeAttribute("folded");
    const room = innerHeight - this.header.offsetHeight - this.footer.offsetHeight;
    const block = step.offsetHeight < room * 0.9 ? "center" : "start";
    step.scrollIntoView({ behavior, block });
    if (withFocus) step.querySelector("h3").focus({ preventScroll: true });
  }

  /** Shows at a step that its photo was lost when the phone ended the page in favour of its camera. */
  showLostPhoto(stepId) {
    const step = this.#steps().find((one) => one.id === stepIdOf(stepId));
    if (!step) return;
    this.bring(step, true);
    const field = step.querySelector("photo-field, photo-slots"); // the latter comes a moment after the list
    if (step.id !== stepId) {
      loadModule("steps/remark").then(({ editRemark }) => editRemark(this.session, step.step, true));
    } else if (field) customElements.whenDefined(field.localName).then(() => field.showLostPhoto());
  }

  /** Shows the table of contents, and goes to the first open step of the section that is chosen there. */
  async openContents() {
    const blocked = this.flush();
    if (blocked) return this.bring(blocked, true);
    const stepStates = this.session.evaluate().steps;
    const shown = this.#sections.filter(({ element }) => !element.hidden);
    const visible = (steps) => steps.filter((step) => stepStates.get(step.id).visible);
    const isOpen = (step) => !stepStates.get(step.id).done;
    const { openContents } = await loadModule("contents");
    const chosen = await openContents(shown.map(({ section, steps }) => {
      const [n, open] = [visible(steps).length, visible(steps).filter(isOpen).length];
      return { id: section?.id ?? "", title: section?.title, n, done: n - open, hasOpen: open > 0 };
    }));
    if (chosen === null) return;
    const { steps } = shown.find(({ section }) => (section?.id ?? "") === chosen);
    this.bring(visible(steps).find(isOpen) ?? visible(steps)[0], true);
  }

  /** Shows where the person has left off: what is open behind the last step that is done. */
  resume() {
    const last = this.#steps().reverse().find((step) => !step.hidden && step.hasAttribute("done"));
    if (last) this.bring(this.#nextOpen(last) ?? last, false, "instant");
  }

  /** Knows which cards are on the screen: there none folds, and the next action may be one of theirs. */
  #watchScreen() {
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting, intersectionRatio } of entries) {
        this.#seen[isIntersecting ? "add" : "delete"](target);
        this.#large[intersectionRatio >= MOST ? "add" : "delete"](target);
      }
      this.showLead();
    }, { threshold: [0, MOST] });
    for (const step of this.#steps()) watch.observe(step);
    // When the first screen is there: until then nothing is done that could be folded.
    setTimeout(async () => {
      new (await loadModule("steps/folding")).Folding(this.session, this, this.#seen);
    }, FOLDING_DELAY_MS);
  }

  /** One button is filled: the next action. That of the card that is next, while it is on the screen; else what leads
   *  there, or on. */
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
    this.nextButton = makeButton("button", () => this.#toNext(), icon("down"), h("span", {}, t("next_open")));
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

  /** A button that answers a whole section which asks nothing but yes or no, all with one word for yes; else null. */
  #allFine({ steps }) {
    const isPlain = (step) => step.type === "boolean" && !step.photo?.min;
    const words = new Set(steps.map((step) => (isPlain(step) ? step.config?.true_label ?? t("yes") : null)));
    if (steps.length < 2 || words.size > 1 || words.has(null)) return null;
    const { session } = this;
    const answerAll = () => {
      const cards = steps.map(({ id }) => document.getElementById(id));
      // One after the other: an answer may bring up the next question.
      const isOpen = ({ id, hidden }) => !hidden && !session.answerOf(id) && session.job.proposed(id) !== false;
      const answered = cards.filter((card) => isOpen(card) && card.save(true));
      this.#goOn(cards.filter((card) => !card.hidden).at(-1), answered);
    };
    const label = h("span", {}, t("all_fine", { answer: [...words][0] }));
    return makeButton("button all-fine", answerAll, icon("check"), label);
  }

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
    else if (outbox.unsent.length) said = ["sending", t("saving")];
    else if (this.element.querySelector(".step[editing]:not([hidden])")) said = ["pen", t("being_written")];
    else if (Object.keys(session.answers).length) said = ["check", t("all_safe")];
    const key = said.join(" ");
    if (this.sending.dataset.key === key) return;
    this.sending.dataset.key = key;
    setAttr(this.sending, "kind", said[0] || null);
    this.sending.replaceChildren(...(said[0] ? [icon(said[0])] : []), h("span", {}, said[1]));
  }

  /** The next step after `from` that is not done; behind the last one only what is missing comes again. */
  #nextOpen(from) {
    const { steps: stepStates } = this.session.evaluate();
    const steps = this.#steps().filter((step) => stepStates.get(step.id).visible);
    const start = from ? steps.indexOf(from) + 1 : 0;
    const isOpen = (step) => !stepStates.get(step.id).done;
    const isMissing = (step) => isOpen(step) && stepStates.get(step.id).missing;
    return steps.slice(start).find(isOpen) ?? steps.slice(0, start).find(isMissing) ?? null;
  }

  /** Goes on behind the card `from`, but not before what those that were just `answered` tell can have been read. */
  #goOn(from, answered = [from]) {
    this.#told = answered.find((card) => performance.now() - card?.told?.shownAt < READING_MS);
    if (this.#told) return this.#told.told.element.scrollIntoView({ behavior: scrollBehavior(), block: "nearest" });
    const { steps: stepStates } = this.session.evaluate();
    if (from && !stepStates.get(from.id).done) return; // still wants its photos
    const next = this.#nextOpen(from);
    // After the answer has been drawn: steps that appear because of it are then in their place.
    requestAnimationFrame(() => {
      if (!next) this.footer.scrollIntoView({ block: "nearest" });
      else if (!this.#isInSight(next)) this.bring(next);
    });
  }

  /** True for a card that is seen whole: nothing moves then, and a second tap meets what the eye has seen. */
  #isInSight(step) {
    const { top, bottom } = step.getBoundingClientRect();
    const [from, to] = [this.header.getBoundingClientRect().bottom, this.footer.getBoundingClientRect().top];
    return top >= Math.max(0, from) && bottom <= to;
  }

  #toNext() {
    const blocked = this.flush();
    if (blocked) return this.bring(blocked, true);
    const middle = innerHeight / 2;
    const isInTheMiddle = (step) => {
      const { top, bottom } = step.getBoundingClientRect();
      return top < middle - 1 && bottom > middle - 1;
    };
    const inTheMiddle = this.#steps().filter((step) => !step.hidden && isInTheMiddle(step)).at(-1);
    // From what was just read or the step in the middle of the screen on, unless that one is itself still open and not
    // yet reached.
    const next = this.#nextOpen(this.#seen.has(this.#told) ? this.#told : inTheMiddle) ?? this.#nextOpen(null);
    this.#told = null;
    return next && this.bring(next, true);
  }

  #leaveFields(target) {
    for (const step of this.element.querySelectorAll(".step[editing]")) if (!step.contains(target)) step.flush();
  }
}
