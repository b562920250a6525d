// Cards that are done fold to a line, as in the review: once they are off the screen, and so that nothing on it moves.
// Gloves tap twice, and a second tap must not meet another card than the first. A tap on the line opens the card.

import { describe, h, icon, makeButton, setAttr, setText, t } from "../dom.js";

const SETTLE_MS = 400;   // without a scroll or a change, until cards are folded

export class Folding {
  #timer = 0;

  /** `form`: the list's form.js. `seen`: the Set of the cards that are on the screen, any part of them. */
  constructor(session, form, seen) {
    Object.assign(this, { session, form, seen });
    for (const event of ["change", "run"]) session.addEventListener(event, () => this.later());
    addEventListener("scroll", () => this.later(), { passive: true });
    this.later();
  }

  later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fold(), SETTLE_MS);
  }

  #fold() {
    const list = this.form.list;
    if (!list.isConnected || this.form.element.hidden) return;
    // Of all cards that stay, the first on the screen keeps its place; browsers differ in whether they see to it.
    const steady = [...list.querySelectorAll(".step")].find((step) => this.seen.has(step));
    const before = steady?.getBoundingClientRect().top;
    for (const step of list.querySelectorAll(".step:not([hidden])")) {
      if (this.seen.has(step) || step.contains(document.activeElement)) continue;
      this.#show(step, this.#mayFold(step));
    }
    const moved = steady ? steady.getBoundingClientRect().top - before : 0;
    if (moved) scrollBy({ top: moved, behavior: "instant" });
  }

  #mayFold(step) {
    const isWhole = step.hasAttribute("done") && !step.hasAttribute("editing");
    return isWhole && step.getAttribute("safety") !== "attention" && !this.session.photoStore.refused(step.id).length;
  }

  #show(step, isFolded) {
    if (isFolded) {
      setText(this.#line(step).querySelector("bdi"), this.#words(step));
      setAttr(this.#line(step).firstChild, "hidden", !step.told?.isPending);
    }
    setAttr(step, "folded", isFolded);
  }

  #words(step) {
    const answer = this.session.answerOf(step.id);
    const photos = step.step.type === "photo" ? 0 : this.session.photoStore.usable(step.id).length;
    const words = describe(step.step, answer);
    return photos ? `${words} · ${t("photo_count", { n: photos })}` : words;
  }

  /** The line that is shown of a folded card: a button, that the keyboard reaches, too. */
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
