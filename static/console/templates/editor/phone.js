// The phone beside the editor: the executor's page with the draft, without the steps that have faults.

const PATIENCE = 20;               // looks for the page's content after it has loaded, 100 ms apart
const [TOP, BOTTOM] = [0.1, 0.8];   // of the phone's height: between its header and footer

export class Phone extends EventTarget {
  #frame = document.getElementById("phone");
  #at = document.getElementById("at");
  #lang = document.getElementById("lang");
  #empty = document.querySelector(".phone .empty");
  #leftOut = document.getElementById("left-out");
  #selected = null;   // the id of the selected step

  constructor() {
    super();
    const isOffered = (tag) => this.#lang.querySelector(`[value="${CSS.escape(tag)}"]`);
    this.#lang.value = navigator.languages.map((tag) => tag.split("-")[0]).find(isOffered) ?? "en";
    for (const select of [this.#at, this.#lang]) select.addEventListener("change", () => this.#askAgain());
    document.getElementById("again").addEventListener("click", () => this.#askAgain());
    this.#frame.addEventListener("load", () => this.#listen());
  }

  /** Shows the page at the path `preview`, scrolled like the previous one, and says which steps it leaves out. */
  show({ preview, left_out: leftOut, languages }) {
    this.#offer(languages);
    this.#leftOut.textContent = leftOut;
    if (preview && (preview !== this.#frame.dataset.base || !this.#frame.src)) this.#load(preview);
  }

  /** Shows the page in a language, if it is one of the choice. */
  speak(tag) {
    if (!this.#lang.querySelector(`[value="${CSS.escape(tag)}"]`)) return;
    this.#lang.value = tag;
    this.restart();
  }

  /** Shows the last page anew. */
  restart() {
    if (this.#frame.dataset.base) this.#load(this.#frame.dataset.base);
  }

  #load(base) {
    const from = this.#frame.hidden ? 0 : this.#frame.contentDocument?.defaultView.scrollY ?? 0;
    this.#frame.addEventListener("load", () => this.#restore(from), { once: true });
    this.#frame.dataset.base = base;
    this.#frame.hidden = false;
    this.#empty.hidden = true;
    const shown = new URLSearchParams({ lang: this.#lang.value, at: this.#at.value });
    const address = `${base}?${shown}`;
    // Replaces the history entry, so that the browser's "back" leaves the editor.
    this.#frame.contentWindow.location.replace(address);
    this.#frame.setAttribute("data-shown", address);
  }

  /** Scrolls to a step, also after the page is loaded anew; nothing happens where the phone does not show it. */
  scrollTo(id) {
    this.#selected = id;
    const step = this.#frame.contentDocument?.getElementById(id);
    if (!step?.checkVisibility()) return;
    const box = step.getBoundingClientRect();
    const { innerHeight } = this.#frame.contentWindow;
    const isSeen = box.top > innerHeight * TOP && box.bottom < innerHeight * BOTTOM;
    // scrollIntoView would scroll the console, too.
    if (!isSeen) this.#frame.contentWindow.scrollBy(0, box.top - innerHeight * TOP);
  }

  #askAgain() {
    this.dispatchEvent(new Event("again"));
  }

  /** Tells which step is clicked. */
  #listen() {
    this.#frame.contentDocument?.addEventListener("click", ({ target }) => {
      const id = target.closest?.("[id^=s-].step")?.id;
      if (id) this.dispatchEvent(new CustomEvent("choose", { detail: id }));
    });
  }

  /** Adds the template's languages to the choice. */
  #offer(tags) {
    const known = new Set(Array.from(this.#lang.options, (one) => one.value));
    for (const tag of tags.filter((one) => !known.has(one))) {
      this.#lang.append(Object.assign(document.createElement("option"), { value: tag, lang: tag, textContent: tag }));
    }
  }

  /** Scrolls to where the page was before it was loaded anew, and on to the selected step. */
  #restore(from, tries = 0) {
    const inside = this.#frame.contentDocument;   // null while the browser shows that it can't be reached
    if (tries > PATIENCE) return;
    if (inside?.querySelector(".form, .start")) {
      inside.defaultView.scrollTo(0, from);
      if (this.#selected) this.scrollTo(this.#selected);
    } else setTimeout(() => this.#restore(from, tries + 1), 100);
  }
}
