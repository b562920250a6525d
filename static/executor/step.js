// What all steps have in common: the card with label, hint, photos, status line, Skip and "I can't do this".
// Each type is a custom element <step-TYPE> with the contract's own name, made from a class below this one:
//
//   control()      its controls, built once
//   show(answer)   puts an answer (or null) into the controls; not called while the person edits them
//   flush()        saves what is typed and not saved yet (only where something can be typed)
//
// Attributes say how the step stands, for CSS: state (untouched, answered, skipped, unable), safety (none, locating,
// here, saving, stuck, unkept, safe, attention), done, missing, editing.

import { explain, h, icon, linked, set, setText, t, theirs } from "./dom.js";
import { isRequired, maySkip, mayBeUnable, photoRule, complaint } from "./rules.js";
import { whereabouts } from "./photo_store.js";
import { need } from "./http.js";

const LONG_HINT = 150;   // characters: about three lines on a phone

export class StepElement extends HTMLElement {
  /** Must be called before the element enters the page. */
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
    this.append(
      h("div", { class: "step-head" },
        h("h3", { id: this.labelId, tabindex: "-1", ...theirs(step.id) }, step.label),
        isRequired(step) ? null : h("span", { class: "tag" }, t("optional"))),
      ...this.#hint(),
      h("div", { class: "control" }, this.control()));
    if (step.photo && step.type !== "photo") this.append(document.createElement("photo-field").prepare(session, step));
    this.append(this.wrong, h("div", { class: "step-foot" }, this.status, ...this.#wayOut()));
    session.addEventListener("change", ({ detail }) => (detail.step === null || detail.step === step.id) && this.update());
    session.addEventListener("run", () => this.#showStatus());
    session.addEventListener("flush", () => this.flush());
    this.update();
  }

  control() {
    return [];
  }

  show() {}

  /** → false when something typed could not be saved. */
  flush() {
    return true;
  }

  /** Reads the session again: another device, a receipt or a refusal changed something. */
  update() {
    const answer = this.session.answerOf(this.step.id);
    if (!this.hasAttribute("editing")) this.show(answer);
    this.#showStatus();
  }

  /** Saves a value, or says what is wrong with it. → whether it is saved. */
  save(value) {
    const wrong = complaint(this.step, value);
    this.complain(wrong);
    if (wrong) return false;
    this.removeAttribute("editing");
    const before = this.session.answerOf(this.step.id);
    const isSame = before && !before.skipped && !before.unable && JSON.stringify(before.value) === JSON.stringify(value);
    if (!isSame || this.session.safetyOf(this.step.id).kind === "attention") this.session.answer(this.step.id, value);
    return true;
  }

  /** Saves what one tap chose, and lets the form go on to the next step. */
  tapped(value) {
    const isFirst = !this.hasAttribute("done");
    if (this.save(value) && isFirst) this.goOn();
  }

  goOn() {
    this.dispatchEvent(new CustomEvent("go-on", { bubbles: true }));
  }

  complain(wrong) {
    setText(this.wrong, wrong ? t(...wrong) : "");
    for (const field of this.querySelectorAll(".control input, .control textarea")) set(field, "aria-invalid", wrong ? "true" : null);
  }

  #hint() {
    const { hint } = this.step;
    if (!hint) return [];
    const text = h("p", { class: "hint soft", ...theirs(this.id) }, linked(hint));
    if (hint.length <= LONG_HINT && hint.split("\n").length <= 3) return [text];
    text.classList.add("folded");
    const more = h("button", { type: "button", class: "link", "aria-expanded": "false" }, t("more"));
    more.addEventListener("click", () => {
      const isFolded = text.classList.toggle("folded");
      more.setAttribute("aria-expanded", String(!isFolded));
      setText(more, t(isFolded ? "more" : "less"));
    });
    return [text, more];
  }

  #wayOut() {
    const { step, session } = this;
    if (maySkip(session.template, step)) {
      const skip = () => {
        this.removeAttribute("editing");
        this.complain(null);
        session.skip(step.id);
        this.goOn();
      };
      this.skipButton = h("button", { type: "button", class: "link", on: { click: skip } }, t("skip"));
      return [this.skipButton];
    }
    if (!mayBeUnable(session.template, step)) return [];
    const ask = async () => {
      const { askReason } = await need("dialog");
      const reason = await askReason(t("unable_title"), h("span", theirs(step.id), step.label), t("unable_label"), t("unable_confirm"));
      if (reason === null) return;
      this.removeAttribute("editing");
      this.complain(null);
      session.unable(step.id, reason);
      this.goOn();
    };
    this.unableButton = h("button", { type: "button", class: "link quiet-link", on: { click: ask } }, t("unable"));
    return [this.unableButton];
  }

  #showStatus() {
    const { step, session } = this;
    const answer = session.answerOf(step.id);
    const standing = session.evaluate().steps.get(step.id);
    const safety = session.safetyOf(step.id);
    const isClosed = standing.state === "skipped" || standing.state === "unable";
    set(this, "state", answer && !isClosed ? "answered" : standing.state);
    set(this, "safety", safety.kind);
    set(this, "done", standing.done);
    if (standing.done) this.removeAttribute("missing");
    if (this.skipButton) set(this.skipButton, "aria-pressed", String(standing.state === "skipped"));
    const [picture, words, action] = this.#statusWords(answer, standing, safety);
    const key = `${picture} ${words}`;
    if (this.status.dataset.key === key) return;
    this.status.dataset.key = key;
    set(this.status, "kind", picture);
    this.status.replaceChildren(...(picture ? [icon(picture)] : []), h("span", {}, words), ...(action ? [action] : []));
  }

  #statusWords(answer, standing, safety) {
    const again = (word, act) => h("button", { type: "button", class: "link", on: { click: act } }, t(word));
    if (safety.kind === "attention") {
      return ["alert", explain(safety.problem), again("try_again", () => this.session.retry(this.step.id))];
    }
    if (this.hasAttribute("missing") && !standing.done) return ["alert", t(standing.missing ?? "missing_answer")];
    if (!answer) return this.step.geo && whereabouts.position() === "yes" ? ["pin", t("geo_note")] : [null, ""];
    if (safety.kind === "locating") return ["pin", t("locating")];
    if (safety.kind === "unkept") return ["alert", t("unkept")];
    if (safety.kind === "here") return ["phone", t("here")];
    if (safety.kind === "saving") return ["sending", t("saving")];
    if (safety.kind === "stuck") return ["phone", t("stuck")];
    if (standing.state === "skipped") return ["check", t("skipped_safe")];
    if (standing.state === "unable") return ["check", t("unable_safe", { reason: answer.unable.reason })];
    const lost = this.session.shelf.of(this.step.id).filter((photo) => photo.state === "elsewhere").length;
    if (lost) return ["alert", t("photos_elsewhere", { n: lost }), again("go_without", () => this.session.shelf.forgetMissing(this.step.id))];
    const photos = this.session.shelf.usable(this.step.id);
    const short = (photoRule(this.step)?.min ?? 0) - photos.length;
    if (short > 0) return ["camera", t("photos_short", { n: short })];
    const owed = photos.filter((photo) => photo.state !== "safe");
    if (owed.some((photo) => photo.item?.kept === "no")) return ["alert", t("unkept")];
    if (owed.some((photo) => photo.item?.state === "sending")) return ["sending", t("photos_on_the_way", { n: owed.length })];
    if (owed.length) return ["phone", t("photos_here", { n: owed.length })];
    if (!this.step.geo) return ["check", t("safe")];
    return ["check", answer.geo ? t("safe_placed", { n: Math.round(answer.geo.accuracy ?? 0) }) : t("safe_unplaced")];
  }
}

/** Registers the element of a step type. */
export function defineStep(type, element) {
  customElements.define(`step-${type}`, element);
}

