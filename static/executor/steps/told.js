// The template's words about a flagged answer, with buttons for the actions they may ask for: a call, a remark, or
// another.

import { h, icon, makeButton, phoneNumbers, setAttr, t, telAddress, textAttributes, withLinks } from "../dom.js";
import { isNoted, mayRemark, remarkKey } from "../rules.js";
import { loadModule } from "../http.js";

// The ids of the steps whose number was tapped, or that the person has marked as done. Stored by tab: after a call the
// phone may load the page anew.
const KEY = `seen to ${location.pathname}`;
let seenTo = new Set();
try {
  seenTo = new Set(JSON.parse(sessionStorage.getItem(KEY)));
} catch { /* a browser without storage: kept until the page is left */ }

/** The place for a flag's words in the step's card and in the review; empty while the answer is not flagged. */
export class Told {
  shownAt = NaN;   // performance.now() of the flag

  /** `id`: makes screen readers read the words when they appear, as in the step's card; null: not, as in the review. */
  constructor(session, step, id = null) {
    Object.assign(this, { session, step });
    // Created before its words, since screen readers read only changes of such an element.
    this.words = h("div", { id, role: id ? "status" : null, tabindex: "-1" });
    this.ways = h("div", { class: "pair" });
    const confirm = () => {
      this.#confirm();
      this.words.focus({ preventScroll: true }); // the button is hidden now
    };
    this.doneButton = this.#button("done", "check", confirm);
    this.element = h("div", { class: "told" }, this.words, this.ways);
  }

  get isShown() {
    return this.words.hasChildNodes();
  }

  /** True while the words are shown and the person has not called, made a remark on the step, or tapped "done". */
  get isPending() {
    return this.isShown && !isActedOn(this.session, this.step);
  }

  /** Shows the words while the answer is flagged; less prominently once the person has acted on it. */
  update(isFlagged) {
    const { session, step } = this;
    if (this.isShown && !isFlagged) this.#setSeenTo(false);
    if (isFlagged !== this.isShown) {
      this.shownAt = isFlagged ? performance.now() : NaN;
      const told = () => h("p", {}, icon("alert"), h("span", textAttributes(step.id), withLinks(step.flag.tell)));
      this.words.replaceChildren(...(isFlagged ? [told()] : []));
    }
    const numbers = isFlagged ? numbersOf(session, step) : [];
    const mayNote = isFlagged && mayRemark(session.template) && !isNoted(session.answerOf(remarkKey(step.id)));
    const said = [...numbers, mayNote].join();
    if (this.ways.dataset.said !== said) {
      this.ways.dataset.said = said;
      const note = async () => (await loadModule("steps/remark")).editRemark(session, step);
      this.ways.replaceChildren(
        ...numbers.map((number) => this.#callLink(number)),
        ...(mayNote ? [this.#button("remark_add", "pen", note)] : []),
        this.doneButton);
    }
    setAttr(this.doneButton, "hidden", !this.isPending);
    setAttr(this.element, "kind", this.isShown ? (this.isPending ? "alert" : "done") : null);
    this.words.querySelector("use")?.setAttribute("href", this.isPending ? "#i-alert" : "#i-check");
  }

  #setSeenTo(isSeenTo) {
    seenTo[isSeenTo ? "add" : "delete"](this.step.id);
    try {
      sessionStorage.setItem(KEY, JSON.stringify([...seenTo]));
    } catch { /* as above */ }
  }

  #confirm = () => {
    this.#setSeenTo(true);
    this.session.changed(this.step.id);
  };

  #callLink(number) {
    const about = { class: "button", href: telAddress(number), "aria-describedby": `${this.step.id}-label` };
    const words = h("span", {}, t("call", { number: number.replaceAll(" ", "\u00a0") }));
    return h("a", { ...about, on: { click: this.#confirm } }, words);
  }

  #button(word, picture, act) {
    const button = makeButton("button", act, icon(picture), h("span", {}, t(word)));
    setAttr(button, "aria-describedby", `${this.step.id}-label`);
    return button;
  }
}

function isActedOn(session, { id }) {
  return seenTo.has(id) || isNoted(session.answerOf(remarkKey(id)));
}

/** → the telephone numbers in a flag's words; else those of the job's fields whose labels are in the words, as in "call
 *  the fleet desk"; else the first in the organization's contact. */
function numbersOf({ job, organization }, { flag }) {
  const text = flag.tell.toLocaleLowerCase();
  const isNamed = ({ kind, label }) => kind === "phone" && text.includes(label.toLocaleLowerCase());
  const named = [phoneNumbers(flag.tell), job.value.fields.filter(isNamed).map(({ value }) => String(value))];
  return named.find((numbers) => numbers.length) ?? phoneNumbers(organization?.contact ?? "").slice(0, 1);
}
