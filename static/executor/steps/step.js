// The base class of all steps: the card with label, hint, photos, status line, remark, and the button of its menu.
// Each type is a custom element <step-TYPE>, named as in the contract, of a subclass:
//
//   control()      returns its controls; called once
//   show(answer)   shows an answer (or null) in the controls; not called while the person edits them
//   flush()        saves typed text that is not saved yet (only types with a field)
//
// Attributes have the step's state, for CSS: state (untouched, answered, skipped, unable), safety (none, locating,
// here, saving, stuck, unkept, safe, attention), done, missing, editing.

import { describe, h, icon, makeButton, setAttr, setText, t, textAttributes, withLinks } from "../dom.js";
import {
  complaint, isLeftOut, isNoted, isRequired, mayBeUnable, mayRemark, maySkip, remarkKey, tidy,
} from "../rules.js";
import { statusWords } from "./status.js";
import { Told } from "./told.js";
import { loadModule } from "../http.js";

const LONG_HINT = 150;   // characters: about three lines on a phone

export class StepElement extends HTMLElement {
  /** Sets the element's session and step; to be called before it enters the page. */
  prepare(session, step) {
    this.session = session;
    this.step = step;
    this.id = step.id;
    return this;
  }

  connectedCallback() {
    if (this.childElementCount) return;
    const { step, session } = this;
    this.classList.add("step");
    this.labelId = `${step.id}-label`;
    this.wrongId = `${step.id}-wrong`;
    this.wrong = h("p", { class: "wrong", id: this.wrongId, role: "alert" });
    this.status = h("p", { class: "status" });
    this.told = step.flag?.tell ? new Told(session, step, `${step.id}-told`) : null;
    this.append(
      h("div", { class: "step-head" },
        h("h3", { id: this.labelId, tabindex: "-1", ...textAttributes(step.id) }, step.label),
        isRequired(step) ? null : h("span", { class: "tag" }, t("optional")),
        this.#menu()),
      ...this.#hint(),
      h("div", { class: "control" }, this.control()), this.wrong);
    if (this.told) this.append(this.told.element); // near the tap, above the photos
    if (step.photo && step.type !== "photo") this.append(document.createElement("photo-field").prepare(session, step));
    // Screen readers add the step's label: "Sign" is on many cards.
    for (const button of this.querySelectorAll(".control > .button, .field-row .button, .pair button")) {
      setAttr(button, "aria-describedby", this.labelId);
    }
    this.append(h("div", { class: "step-foot" }, this.status));
    const keys = [null, step.id, remarkKey(step.id)];
    session.addEventListener("change", ({ detail }) => keys.includes(detail.step) && this.update());
    session.addEventListener("run", () => {
      this.#showStatus();
      this.remark?.then((remark) => remark.update());
    });
    session.addEventListener("flush", () => this.flush());
    this.update();
    this.restore();
  }

  /** While a step is being edited, its text is kept as a draft, and the page does not say that all is safe. */
  static observedAttributes = ["editing"];

  attributeChangedCallback(_, before, after) {
    if ((before === null) === (after === null)) return;
    if (after === null) this.session.drafts.drop(this.id);
    this.session.emit("run");
  }

  /** Marks the step as being edited, in place of the answer that it shows, or that its draft has `replaced`. */
  beginEdit(replaced = this.session.otherPhones.answerIdOf(this.id)) {
    if (!this.hasAttribute("editing")) this.replaces = replaced;
    setAttr(this, "editing", true);
  }

  /** Restores the draft of an earlier page (only types with a field or ticks). */
  restore() {}

  control() {
    return [];
  }

  show() {}

  /** Saves typed text. → false when it is invalid. */
  flush() {
    return true;
  }

  /** Shows the session's present state, after a change by the person, another phone, a receipt or a refusal. */
  update() {
    const answer = this.session.answerOf(this.step.id);
    if (!this.hasAttribute("editing")) this.show(answer ?? this.session.job.proposal(this.step));
    this.#showPictures();
    this.#showStatus();
    this.#showRival();
    this.#showRemark();
  }

  /** Saves a value, or shows why it is invalid. → true when it is valid. */
  save(value) {
    const wrong = complaint(this.step, value);
    this.complain(wrong);
    if (wrong) return false;
    this.removeAttribute("editing");
    const isSame = this.isAnswered && JSON.stringify(this.session.answerOf(this.id).value) === JSON.stringify(value);
    const isRefused = this.session.safetyOf(this.step.id).kind === "attention";
    if (!isSame || isRefused) this.session.answer(this.step.id, value, this.replaces);
    this.replaces = undefined;
    return true;
  }

  /** True for a step with an answer that does not leave it out. */
  get isAnswered() {
    const answer = this.session.answerOf(this.id);
    return Boolean(answer && !isLeftOut(answer));
  }

  /** Saves a value chosen with one tap; if the step was not done before, the form goes on to the next. */
  tapped(value) {
    const isFirst = !this.hasAttribute("done");
    if (this.save(value) && isFirst) this.goOn();
  }

  goOn() {
    this.dispatchEvent(new CustomEvent("go-on", { bubbles: true }));
  }

  /** Shows a message, [key, values], about the typed value; null removes it. */
  complain(wrong) {
    setText(this.wrong, wrong ? t(...wrong) : "");
    const fields = this.querySelectorAll(".control input, .control textarea");
    for (const field of fields) setAttr(field, "aria-invalid", wrong ? "true" : null);
  }

  /** Shows the template's pictures of the step, small; they are known once the run is started. */
  #showPictures() {
    const { step, session } = this;
    const ids = session.shown?.step_pictures[step.id];
    if (!ids || this.querySelector(":scope > .shown")) return;
    const small = ids.map((id, index) => {
      const { thumbnail_url: src, url, width, height } = session.shown.pictures[id];
      const alt = t("picture_alt", { label: step.label, number: index + 1, count: ids.length });
      const open = async () => (await loadModule("steps/pictures")).openPicture(step, { url, width, height }, alt);
      return makeButton("shown-one", open, h("img", { src, width, height, alt, loading: "lazy" }));
    });
    this.querySelector(":scope > .control").before(h("div", { class: "shown" }, ...small));
  }

  /** Offers the choice between this phone's refused answer and another phone's. */
  async #showRival() {
    if (!this.rival && !this.session.otherPhones.rivalOf(this.id)) return;
    const { showRival } = await loadModule("steps/rival");
    showRival(this, this.id, this.wrong, (theirs) => theirs.unable?.reason ?? describe(this.step, theirs));
  }

  /** → the step's hint as elements; a long one is folded. */
  #hint() {
    const { hint } = this.step;
    if (!hint) return [];
    const text = h("p", { class: "hint soft", ...textAttributes(this.id) }, withLinks(hint));
    if (hint.length <= LONG_HINT && hint.split("\n").length <= 3) return [text];
    text.classList.add("folded");
    const more = makeButton("link", () => {
      const isFolded = text.classList.toggle("folded");
      setAttr(more, "aria-expanded", String(!isFolded));
      setText(more, t(isFolded ? "more" : "less"));
    }, t("more"));
    setAttr(more, "aria-expanded", "false");
    return [text, more];
  }

  /** → the button of the step's menu (menu.js): remark, skip, "I can't do this"; null when the menu would be empty. */
  #menu() {
    const { step, session } = this;
    const { template } = session;
    if (!mayRemark(template) && !maySkip(template, step) && !mayBeUnable(template, step)) return null;
    const open = async () => (await loadModule("steps/menu")).openStepMenu(this);
    const button = makeButton("quiet round step-more", open, icon("dots"));
    const id = `${step.id}-more`;
    const names = { id, "aria-label": t("step_menu"), "aria-labelledby": `${id} ${this.labelId}` };
    for (const [name, value] of Object.entries({ ...names, "aria-haspopup": "dialog" })) setAttr(button, name, value);
    return button;
  }

  /** Discards typed text, because the step is left out. */
  giveUp() {
    this.removeAttribute("editing");
    this.complain(null);
  }

  /** Discards the proposal of a step whose field or choice the person has emptied. */
  cleared() {
    this.giveUp();
    if (this.id in (this.session.job.value.prefill ?? {})) this.session.drafts.clear(this.id);
  }

  /** Shows the step's remark; the module is loaded with the first remark. */
  async #showRemark() {
    const key = remarkKey(this.step.id);
    if (!this.remark) {
      if (!isNoted(this.session.answerOf(key)) && !this.session.photoStore.ofStep(key).length) return;
      this.remark = loadModule("steps/remark").then(({ RemarkBlock }) => new RemarkBlock(this));
    }
    (await this.remark).update();
  }

  #showStatus() {
    const { step, session } = this;
    const answer = session.answerOf(step.id);
    const stepState = session.evaluate().steps.get(step.id);
    const safety = session.safetyOf(step.id);
    setAttr(this, "state", this.isAnswered ? "answered" : stepState.state);
    setAttr(this, "safety", safety.kind);
    setAttr(this, "done", stepState.done);
    this.told?.update(stepState.flagged);
    if (stepState.done) this.removeAttribute("missing");
    const [picture, words, action, above] = statusWords(this, answer, stepState, safety);
    const key = [picture, above, words].join(" ");
    if (this.status.dataset.key === key) return;
    this.status.dataset.key = key;
    setAttr(this.status, "kind", picture);
    const said = h("span", {}, above ? h("span", { class: "above" }, above) : null, words);
    this.status.replaceChildren(...(picture ? [icon(picture)] : []), said, ...(action ? [action] : []));
  }
}

/** A step with one field. In subclasses `read()` returns the field's value for the wire, `write(value)` shows a
 *  value. */
export class FieldStep extends StepElement {
  /** Connects the step's field. → the field. */
  connect(field) {
    this.field = field;
    setAttr(field, "aria-labelledby", this.labelId);
    setAttr(field, "aria-describedby", this.wrongId);
    field.addEventListener("input", () => {
      this.edited();
      this.complain(null);
      this.typed();
    });
    field.addEventListener("change", () => this.flush());
    field.addEventListener("blur", () => this.flush());
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || field.tagName === "TEXTAREA" || event.isComposing) return;
      event.preventDefault();
      if (field.value !== "" && this.flush()) {
        field.blur(); // closes the keyboard, so that there is space for the next step
        this.goOn();
      }
    });
    return field;
  }

  typed() {}

  /** Keeps the field's text as a draft, and marks the step as being edited. */
  edited() {
    this.beginEdit();
    this.session.drafts.keep(this.id, this.field.value, this.replaces);
  }

  restore() {
    const draft = this.session.drafts.take(this.id);
    if (typeof draft?.text !== "string") return;
    const known = JSON.stringify(this.read());
    this.field.value = draft.text;
    if (JSON.stringify(this.read()) === known) return this.session.drafts.drop(this.id);
    this.beginEdit(draft.replaces);
    this.typed();
  }

  read() {
    return tidy(this.field.value);
  }

  write(value) {
    this.field.value = value ?? "";
  }

  show(answer) {
    if (document.activeElement === this.field && this.field.value !== "") return;
    this.write(answer?.value ?? null);
    this.typed();
  }

  flush() {
    if (!this.hasAttribute("editing")) return true;
    if (this.field.value.trim() === "" && !this.field.validity.badInput) {
      const { isAnswered } = this;
      // The server stores no empty answers: show that the old answer stays.
      if (isAnswered) this.complain(["wrong_emptied", {}]);
      else this.cleared();
      return !isAnswered;
    }
    return this.save(this.read());
  }
}

/** Registers the element of a step type. */
export function defineStep(type, element) {
  customElements.define(`step-${type}`, element);
}

