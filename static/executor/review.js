// The review before a run is completed: a line for each answer, missing steps, the closing signature, and the button
// that completes the run.

import {
  describe, h, icon, makeButton, problemText, refusedText, remarkWords, setAttr, setText, showCount, t, textAttributes,
} from "./dom.js";
import { loadModule } from "./http.js";
import { Told, missingText, showSignature } from "./main.js";
import { leaveOutKind, remarkKey } from "./rules.js";

const WAITING_DELAY_MS = 1200;

export class Review {
  #duties = new Map();   // step id → {told, element}

  /** `onBack(stepIds)` is called to go to the first of these steps in the list; `onWait()` once the run is finished
   *  here and still waits for the server. */
  constructor(session, { onBack, onWait }) {
    Object.assign(this, { session, onBack, onWait, isSending: false });
    this.summary = h("div", { class: "review-summary" });
    this.duties = h("section", { class: "duties" });
    this.lines = h("div", { class: "review-lines" });
    this.message = h("p", { class: "wrong", role: "alert" });
    this.progress = h("p", { class: "soft sending-line", role: "status" });
    this.finish = makeButton("button primary", () => this.#finish(), h("span", {}, t("finish")));
    const back = makeButton("button", () => this.#back([]), t("back"));
    this.heading = h("h1", { tabindex: "-1" }, t("review_title"));
    this.element = h("div", { class: "form review", hidden: true },
      h("header", { class: "top" }, h("div", { class: "top-row" }, this.heading)),
      h("main", { class: "list" },
        this.summary, this.duties, this.lines, this.#closingSignature(), this.message, this.progress),
      h("footer", { class: "bottom" }, back, this.finish));
    for (const event of ["change", "run"]) session.addEventListener(event, () => this.element.hidden || this.update());
  }

  open() {
    this.isSending = false;
    setText(this.message, "");
    this.update();
    const duties = [...this.#duties.values()];
    this.duties.prepend(...duties.filter(({ told }) => told.isPending).map(({ element }) => element));
    scrollTo(0, 0);
    this.heading.focus({ preventScroll: true });
  }

  update() {
    const { steps } = this.session.evaluate();
    const hasDuties = this.#showLines(steps);
    const open = this.#openIds();
    const word = open.length ? "go_to_missing" : "finish";
    setText(this.finish.querySelector("span"), t(this.isSending ? "finishing" : word));
    setAttr(this.finish, "disabled", this.isSending);
    // One button is filled: the next action; none while what is to be seen to is above.
    const isSigned = !this.signed || this.session.signatureOf("") !== null;
    this.finish.classList.toggle("primary", open.length > 0 || (isSigned && !hasDuties));
    if (this.signed) {
      const signature = this.session.signatureOf("");
      showSignature(this.signed, signature);
      setText(this.signed.wrong, signature?.problem ? refusedText(signature.problem) : "");
    }
    this.#showProgress();
  }

  #missingIds() {
    return [...this.session.evaluate().steps].filter(([, stepState]) => stepState.missing).map(([id]) => id);
  }

  /** → the ids of the missing steps; without any, those of steps with something refused. */
  #openIds() {
    const missing = this.#missingIds();
    return missing.length ? missing : this.session.needsAttention.map(({ step }) => step.id);
  }

  /** → true when there are words of a flagged answer on which the person has not acted. */
  #showLines(stepStates) {
    const visible = this.session.rows.filter(({ step }) => stepStates.get(step.id).visible);
    const missing = this.#missingIds();
    const open = this.#openIds();
    const notDone = missing.length ? "review_missing" : "attention_count";
    const hasDuties = this.#showDuties(stepStates);
    const ready = t(hasDuties ? "review_duties" : "review_ready");
    const words = open.length ? t(notDone, { n: open.length }) : ready;
    const className = open.length || hasDuties ? "notice" : "notice good";
    const picture = open.length || hasDuties ? "alert" : "check";
    this.summary.replaceChildren(h("p", { class: className }, icon(picture), h("span", {}, words)));
    const rows = [];
    let section;
    for (const { step, section: own } of visible) {
      if (own !== section && own) rows.push(h("h2", textAttributes(own.id), own.title));
      section = own;
      rows.push(this.#line(step, stepStates.get(step.id)));
    }
    const active = this.lines.contains(document.activeElement) ? document.activeElement.closest("[data-step]") : null;
    this.lines.replaceChildren(...rows);
    // The keyboard's focus stays at a step that was just confirmed or left out.
    if (active) this.lines.querySelector(`.line[data-step="${active.dataset.step}"]`)?.focus({ preventScroll: true });
    return hasDuties;
  }

  /** Shows the words of flagged answers above all lines. → true when the person has not acted on one of them yet. */
  #showDuties(stepStates) {
    for (const { step } of this.session.rows.filter((row) => row.step.flag?.tell)) {
      const { visible, flagged } = stepStates.get(step.id);
      const duty = this.#dutyOf(step);
      duty.told.update(visible && flagged);
      setAttr(duty.element, "hidden", !duty.told.isShown);
    }
    return [...this.#duties.values()].some(({ told }) => told.isPending);
  }

  /** → the place for a step's flag, {told, element}, made at the first call. */
  #dutyOf(step) {
    if (!this.#duties.has(step.id)) {
      const told = new Told(this.session, step);
      const label = h("h2", textAttributes(step.id), step.label);
      this.#duties.set(step.id, { told, element: h("div", { class: "duty" }, label, told.element) });
      this.duties.append(this.#duties.get(step.id).element);
    }
    return this.#duties.get(step.id);
  }

  /** → the line of a step: label, answer, remark and photos, with buttons to confirm or leave it out. */
  #line(step, stepState) {
    const answer = this.session.answerOf(step.id);
    const photos = this.session.photoStore.usable(step.id);
    const isRefused = this.session.needsAttention.some((row) => row.step === step);
    const value = answer ? undefined : this.session.job.proposed(step.id);
    const isProposed = value !== undefined;
    const answered = isRefused ? t("attention_count", { n: 1 }) : describe(step, answer);
    const waits = isProposed ? t("unconfirmed", { value: describe(step, { value }) }) : null;
    const words = waits ?? (stepState.missing ? missingText(step, stepState) : answered);
    const isOpen = Boolean(stepState.missing || isRefused);
    const stands = { missing: isOpen, blank: !answer && !waits };
    const attributes = { type: "button", class: "line", ...stands, "data-step": step.id };
    const line = h("button", { ...attributes, on: { click: () => this.#back([step.id]) } },
      h("span", { class: "line-label", ...textAttributes(step.id) }, step.label),
      h("span", { class: "line-answer" }, attributes.missing ? icon("alert") : null, h("bdi", {}, words)),
      this.#remark(step),
      photos.length ? h("span", { class: "line-photos" }, photos.slice(0, 5).map((photo) => {
        const source = photo.preview ?? photo.thumbnail;
        const blank = h("span", { class: "line-file" }, icon("picture"));
        const error = ({ target }) => target.replaceWith(blank);
        return source ? h("img", { src: source, alt: "", on: { error } }) : blank;
      }), photos.length > 5 ? h("span", { class: "soft" }, `+${showCount(photos.length - 5)}`) : null) : null);
    const word = stepState.missing ? leaveOutKind(this.session.template, step) : null;
    const ways = [
      isProposed ? makeButton("link", () => this.session.answer(step.id, value), t("confirm")) : null,
      word ? makeButton("link quiet-link", () => this.#leaveOut(step), t(word)) : null,
    ].filter(Boolean);
    if (!ways.length) return line;
    line.querySelector(".line-label").id = `${step.id}-review`;
    for (const way of ways) way.setAttribute("aria-describedby", `${step.id}-review`);
    return h("div", { class: "line-row", "data-step": step.id }, line, h("div", { class: "line-ways" }, ways));
  }

  async #leaveOut(step) {
    const { leaveOut } = await loadModule("steps/menu");
    leaveOut(this.session, step);
  }

  #remark(step) {
    const words = remarkWords(this.session.answerOf(remarkKey(step.id)));
    const said = words && h("span", {}, `${t("remark")}: `, h("bdi", {}, words));
    return words && h("span", { class: "line-remark" }, icon("pen"), said);
  }

  #closingSignature() {
    if (!this.session.template.settings?.signature_on_complete) return null;
    this.signed = {
      picture: h("img", { alt: t("signature_alt"), hidden: true }),
      empty: h("span", { class: "soft" }, t("signature_none")),
      button: makeButton("button primary", () => this.#sign(), icon("pen"), h("span", {}, t("sign"))),
      wrong: h("p", { class: "wrong", role: "alert" }),
    };
    const { picture, empty, button, wrong } = this.signed;
    return h("section", { class: "step closing-signature" },
      h("h2", {}, t("closing_signature")), h("div", { class: "signed" }, picture, empty), button, wrong);
  }

  async #sign() {
    const { askSignature } = await loadModule("photos/signature");
    const signed = await askSignature(t("closing_signature"));
    if (signed) this.session.sign("", signed.png, signed.typedName);
    setText(this.message, "");
  }

  #back(stepIds) {
    if (this.isSending) this.session.keepWorking();
    this.isSending = false;
    this.onBack(stepIds);
  }

  async #finish() {
    const open = this.#openIds();
    if (open.length) return this.onBack(open);
    if (this.signed && !this.session.signatureOf("")) {
      setText(this.message, t("closing_signature_needed"));
      this.signed.button.focus();
      return;
    }
    this.isSending = true;
    setText(this.message, "");
    this.session.complete();
    this.update();
    // Usually the server answers in a moment, and the waiting screen would only flash up.
    setTimeout(() => {
      if (!this.isSending) return;
      this.isSending = false;
      this.update();
      if (this.session.isFinished && !this.session.closed) this.onWait();
    }, WAITING_DELAY_MS);
  }

  /** Shows why the server refused the completion. */
  showRefusal(problem) {
    this.isSending = false;
    setText(this.message, problemText(problem));
    this.update();
  }

  #showProgress() {
    if (!this.isSending) return setText(this.progress, "");
    const photos = this.session.photoStore.counts();
    const areSafe = photos.safe === photos.total;
    return setText(this.progress, areSafe ? t("finishing") : t("photos_safe", { safe: photos.safe, n: photos.total }));
  }
}
