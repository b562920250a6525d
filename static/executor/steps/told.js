// What a template tells about a flagged answer, with buttons for what it may ask for: a call, a remark, or else.
// The server sends this within step.js (rundun/web/pages/static.py).

import { h, icon, makeButton, phoneNumbers, setAttr, t, telAddress, textAttributes, withLinks } from "../dom.js";
import { isNoted, mayRemark, remarkKey } from "../rules.js";
import { loadModule } from "../http.js";

// Ids of the steps whose number was tapped, or that the person says they have seen to. The tab keeps them: who calls
// may come back to a page that is loaded anew.
const KEY = `seen to ${location.pathname}`;
let seenTo = new Set();
try {
  seenTo = new Set(JSON.parse(sessionStorage.getItem(KEY)));
} catch { /* a browser that stores nothing: until the page is left */ }

/** A place for what a step tells, in its card and at the review; empty while its answer is not flagged. */
export class Told {
  shownAt = NaN;   // performance.now() of the flag

  /** `id`: where the words are said when they come, as in the step's card; null where they are only read. */
  constructor(session, step, id = null) {
    Object.assign(this, { session, step });
    // There before its words: screen readers say only what is put into such a place.
    this.words = h("div", { id, role: id ? "status" : null, tabindex: "-1" });
    this.ways = h("div", { class: "pair" });
    const confirm = () => {
      this.#confirm();
      this.words.focus({ preventScroll: true }); // the button goes
    };
    this.doneButton = this.#button("done", "check", confirm);
    this.element = h("div", { class: "told" }, this.words, this.ways);
  }

  get isShown() {
    return this.words.hasChildNodes();
  }

  /** True while the person has not tapped the number, noted anything on the step, or said that it is done. */
  get isPending() {
    return this.isShown && !isActedOn(this.session, this.step);
  }

  /** Shows the words while the answer is flagged, quietly once something was done about it. */
  update(isFlagged) {
    const { session, step } = this;
    if (this.isShown && !isFlagged) this.#keep(false);
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
        ...numbers.map((number) => this.#call(number)),
        ...(mayNote ? [this.#button("remark_add", "pen", note)] : []),
        this.doneButton);
    }
    setAttr(this.doneButton, "hidden", !this.isPending);
    setAttr(this.element, "kind", this.isShown ? (this.isPending ? "alert" : "done") : null);
    this.words.querySelector("use")?.setAttribute("href", this.isPending ? "#i-alert" : "#i-check");
  }

  #keep(isSeenTo) {
    seenTo[isSeenTo ? "add" : "delete"](this.step.id);
    try {
      sessionStorage.setItem(KEY, JSON.stringify([...seenTo]));
    } catch { /* as above */ }
  }

  #confirm = () => {
    this.#keep(true);
    this.session.changed(this.step.id);
  };

  #call(number) {
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

/** The numbers that the words name; else those of the job's fields that they name, as in "call the fleet desk"; else
 *  the first of the organization's contact. */
function numbersOf({ job, organization }, { flag }) {
  const text = flag.tell.toLocaleLowerCase();
  const isNamed = ({ kind, label }) => kind === "phone" && text.includes(label.toLocaleLowerCase());
  const named = [phoneNumbers(flag.tell), job.value.fields.filter(isNamed).map(({ value }) => String(value))];
  return named.find((numbers) => numbers.length) ?? phoneNumbers(organization?.contact ?? "").slice(0, 1);
}
