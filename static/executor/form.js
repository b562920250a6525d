// The checklist: every step in one list by section, with the progress above and the way on below.
//
// Why a list and not one step at a time: with 25 steps, most of them one tap, a "Next" button doubles the taps and
// every page turn costs a wait and the overview. Here a tap answers, and the next open step glides to the same place
// under the thumb; going back to look at something is a flick.

import { calmly, h, icon, linked, set, setText, t, theirs } from "./dom.js";
import { whereabouts } from "./photo_store.js";
import { need } from "./http.js";

export class Form {
  #sections = [];

  constructor(session, { onReview }) {
    this.session = session;
    this.onReview = onReview;
    this.element = h("div", { class: "form" });
    this.header = this.#header();
    this.footer = this.#footer();
    this.list = h("main", { class: "list", id: "list" }, ...this.#notices(), ...this.#cards());
    this.element.append(this.header, this.list, this.footer);
    this.element.addEventListener("go-on", (event) => this.#goOn(event.target.closest(".step")));
    // A tap elsewhere leaves a field, also where a button takes no focus (Safari).
    addEventListener("pointerdown", (event) => this.#leaveFields(event.target), { passive: true });
    session.addEventListener("change", () => this.#refresh());
    session.addEventListener("run", () => this.#showSending());
    this.#refresh();
  }

  /** Saves everything typed. → the first step whose field could not be saved, or null. */
  flush() {
    for (const step of this.element.querySelectorAll(".step[editing]")) if (!step.hidden && !step.flush()) return step;
    return null;
  }

  /** Marks steps as missing and brings the first of them to the thumb. */
  showMissing(stepIds) {
    for (const step of this.#steps()) set(step, "missing", stepIds.includes(step.id) && !step.hasAttribute("done"));
    for (const step of this.#steps()) step.update();
    const first = this.#steps().find((step) => stepIds.includes(step.id));
    if (first) this.bring(first, true);
  }

  bring(step, withFocus = false) {
    const room = innerHeight - this.header.offsetHeight - this.footer.offsetHeight;
    const block = step.offsetHeight < room * 0.9 ? "center" : "start";
    step.scrollIntoView({ behavior: calmly(), block });
    if (withFocus) step.querySelector("h3").focus({ preventScroll: true });
  }

  /** Says at a step that its photo was lost when the camera took the page's place. */
  missesPhoto(stepId) {
    const step = this.#steps().find((one) => one.id === stepId);
    step?.querySelector("photo-field")?.missesPhoto();
    if (step) this.bring(step, true);
  }

  bringFirstOpen() {
    const next = this.#nextOpen(null);
    if (next && next !== this.#steps()[0]) next.scrollIntoView({ block: "center", behavior: "auto" });
  }

  #steps() {
    return this.#sections.flatMap(({ steps }) => steps);
  }

  #header() {
    const { session } = this;
    this.done = h("span", { class: "done-count" });
    this.sending = h("span", { class: "sending", role: "status" });
    this.bar = h("div", { class: "bar", role: "progressbar", "aria-label": t("progress"), "aria-valuemin": "0" }, h("span", {}));
    const menu = h("button", { type: "button", class: "quiet round", "aria-label": t("menu"), on: { click: async () => (await need("menu")).openMenu(session) } }, icon("dots"));
    this.storage = h("p", { class: "notice storage", role: "alert", hidden: true }, icon("alert"), h("span", {}));
    return h("header", { class: "top" },
      h("div", { class: "top-row" }, h("h1", theirs(""), session.template.name), menu),
      this.bar,
      h("div", { class: "top-row small" }, this.done, this.sending),
      this.storage);
  }

  #footer() {
    this.nextButton = h("button", { type: "button", class: "button", on: { click: () => this.#toNext() } }, icon("down"), h("span", {}, t("next_open")));
    this.reviewButton = h("button", { type: "button", class: "button", on: { click: () => this.onReview() } }, h("span", {}, t("review")));
    return h("footer", { class: "bottom" }, this.nextButton, this.reviewButton);
  }

  #notices() {
    const wantsPlace = this.session.rows.some(({ step }) => step.geo);
    const insecure = wantsPlace && whereabouts.position() === "insecure";
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
      const head = section
        ? [h("div", { class: "section-head" }, h("h2", theirs(section.id), section.title), count), section.description ? h("p", { class: "soft section-text", ...theirs(section.id) }, linked(section.description)) : null]
        : [h("h2", { class: "unseen" }, t("steps_label"))];
      const allFine = section ? this.#allFine(section) : null;
      this.#sections.push({ element: h("section", { class: "section" }, ...head, allFine, ...steps), steps, count, allFine });
    }
    return this.#sections.map(({ element }) => element);
  }

  /** One tap for a section that asks nothing but yes or no, all with the same word for yes. */
  #allFine({ steps }) {
    const words = new Set(steps.map((step) => (step.type === "boolean" && !step.photo?.min ? step.config?.true_label ?? t("yes") : null)));
    if (steps.length < 2 || words.size > 1 || words.has(null)) return null;
    const answerAll = () => {
      const cards = steps.map((step) => this.#steps().find((card) => card.id === step.id));
      // One after the other: an answer may bring up the next question.
      for (const card of cards) if (!card.hidden && !this.session.answerOf(card.id)) card.save(true);
      this.#goOn(cards.filter((card) => !card.hidden).at(-1) ?? null);
    };
    return h("button", { type: "button", class: "button all-fine", on: { click: answerAll } }, icon("check"), h("span", {}, t("all_fine", { answer: [...words][0] })));
  }

  #refresh() {
    const { steps: standings, progress } = this.session.evaluate();
    for (const { element, steps, count, allFine } of this.#sections) {
      const visible = steps.filter((step) => standings.get(step.id).visible);
      for (const step of steps) if (step.hidden === standings.get(step.id).visible) step.hidden = !step.hidden;
      set(element, "hidden", visible.length === 0);
      if (allFine) set(allFine, "hidden", !visible.some((step) => standings.get(step.id).state === "untouched"));
      setText(count, t("section_count", { done: visible.filter((step) => standings.get(step.id).done).length, n: visible.length }));
    }
    const done = progress.answered + progress.skipped + progress.unable;
    setText(this.done, t("done_count", { done, n: progress.total }));
    this.bar.setAttribute("aria-valuenow", String(done));
    this.bar.setAttribute("aria-valuemax", String(progress.total));
    this.bar.style.setProperty("--part", progress.total ? done / progress.total : 1);
    const isAllDone = ![...standings.values()].some((standing) => standing.missing);
    this.reviewButton.classList.toggle("primary", isAllDone);
    this.nextButton.classList.toggle("primary", !isAllDone);
    set(this.nextButton, "disabled", !this.#nextOpen(null));
    this.#showSending();
  }

  #showSending() {
    const { session } = this;
    const photos = session.shelf.counts();
    const attention = session.needsAttention.length;
    const { outbox } = session;
    let said = ["", ""];
    const unkept = outbox.owed.some((item) => item.kept === "no");
    set(this.storage, "hidden", !unkept);
    if (unkept) setText(this.storage.querySelector("span"), t(outbox.trouble === "full" ? "storage_full" : "storage_none"));
    const waits = outbox.isStuck ? "phone" : "sending";
    if (attention) said = ["alert", t("attention_count", { n: attention })];
    else if (photos.safe < photos.total) said = [waits, t("photos_safe", { safe: photos.safe, n: photos.total })];
    else if (outbox.isHushed && outbox.owed.length) said = ["sending", t("busy")];
    else if (outbox.isStuck && outbox.owed.length) said = ["phone", t("stuck_all", { n: outbox.owed.length })];
    else if (outbox.owed.length) said = ["sending", t("saving")];
    else if (Object.keys(session.answers).length) said = ["check", t("all_safe")];
    const key = said.join(" ");
    if (this.sending.dataset.key === key) return;
    this.sending.dataset.key = key;
    set(this.sending, "kind", said[0] || null);
    this.sending.replaceChildren(...(said[0] ? [icon(said[0])] : []), h("span", {}, said[1]));
  }

  /** The next step after `from` that wants something: required ones first in line, optional untouched ones as well. */
  #nextOpen(from) {
    const { steps: standings } = this.session.evaluate();
    const steps = this.#steps().filter((step) => standings.get(step.id).visible);
    const start = from ? steps.indexOf(from) + 1 : 0;
    const isOpen = (step) => !standings.get(step.id).done;
    return steps.slice(start).find(isOpen) ?? (from ? steps.slice(0, start).find((step) => isOpen(step) && standings.get(step.id).missing) : null) ?? null;
  }

  #goOn(from) {
    const { steps: standings } = this.session.evaluate();
    if (from && !standings.get(from.id).done) return; // still wants its photos
    const next = this.#nextOpen(from);
    // After the answer has been drawn: steps that appear because of it are then in their place.
    requestAnimationFrame(() => (next ? this.bring(next) : this.footer.scrollIntoView({ block: "nearest" })));
  }

  #toNext() {
    const blocked = this.flush();
    if (blocked) return this.bring(blocked, true);
    const middle = innerHeight / 2;
    const here = this.#steps().filter((step) => !step.hidden && step.getBoundingClientRect().top < middle - 1 && step.getBoundingClientRect().bottom > middle - 1).at(-1);
    // From the step in the middle of the screen on, unless that one is itself still open and not yet reached.
    const next = this.#nextOpen(here ?? null) ?? this.#nextOpen(null);
    return next && this.bring(next, true);
  }

  #leaveFields(target) {
    for (const step of this.element.querySelectorAll(".step[editing]")) if (!step.contains(target)) step.flush();
  }
}
