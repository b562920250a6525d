// Folds done cards to a line, as in the review: only off the screen, and so that nothing on the screen moves, since
// gloves tap twice, and the second tap must not hit another card. A tap on the line opens the card.

import { describe, h, icon, makeButton, setAttr, setText, t } from "../dom.js";

const SETTLE_MS = 400;   // without scrolling or changes, until cards are folded

export class Folding {
  #timer = 0;

  /** `form`: the Form. `seen`: the Set of the cards that are at least partly on the screen. */
  constructor(session, form, seen) {
    Object.assign(this, { session, form, seen });
    for (const event of ["change", "run"]) session.addEventListener(event, () => this.schedule());
    addEventListener("scroll", () => this.schedule(), { passive: true });
    this.schedule();
  }

  /** Folds cards once the list is at rest. */
  schedule() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fold(), SETTLE_MS);
  }

  #fold() {
    const list = this.form.list;
    if (!list.isConnected || this.form.element.hidden) return;
    // The first card on the screen keeps its place; not all browsers ensure that.
    const steady = [...list.querySelectorAll(".step")].find((step) => this.seen.has(step));
    const before = steady?.getBoundingClientRect().top;
    for (const step of list.querySelectorAll(".step:not([hidden])")) {
      const isSteady = this.seen.has(step) || step.contains(document.activeElement);
      if (!isSteady) setAttr(step, "folded", this.#mayFold(step));
      if (step.hasAttribute("folded")) this.#renew(step); // on the screen, too: another phone may have answered
    }
    const moved = steady ? steady.getBoundingClientRect().top - before : 0;
    if (moved) scrollBy({ top: moved, behavior: "instant" });
  }

  #mayFold(step) {
    const isWhole = step.hasAttribute("done") && !step.hasAttribute("editing");
    return isWhole && step.getAttribute("safety") !== "attention" && !this.session.photoStore.refused(step.id).length;
  }

  #renew(step) {
    setText(this.#line(step).querySelector("bdi"), this.#words(step));
    setAttr(this.#line(step).firstChild, "hidden", !step.told?.isPending);
  }

  /** → the words of a folded card's answer. */
  #words(step) {
    const answer = this.session.answerOf(step.id);
    const photos = step.step.type === "photo" ? 0 : this.session.photoStore.usable(step.id).length;
    const words = describe(step.step, answer);
    return photos ? `${words} · ${t("photo_count", { n: photos })}` : words;
  }

  /** → the line of a folded card: a button, so that the keyboard reaches it. */
  #line(step) {
    step.line ??= this.#makeLine(step);
    return step.line;
  }

  #makeLine(step) {
    const open = () => {
      setAttr(step, "folded", false);
      step.querySelector("h3").focus({ preventScroll: true });
    };
    const line = makeButton("fold", open, icon("alert"), h("bdi", {}), icon("down"));
    setAttr(line, "aria-expanded", "false");
    setAttr(line, "aria-labelledby", step.labelId);
    const id = `${step.id}-said`;
    line.querySelector("bdi").id = id;
    setAttr(line, "aria-describedby", `${id} ${step.id}-told`);
    step.querySelector(".step-head").after(line);
    return line;
  }
}
