// The editor's second tab: the template's JSON as text, with line numbers and faults.

import { h } from "../../../executor/dom.js";

const LETTER_WIDTH_EM = 0.6;   // approximate width of a letter in the fonts of the text

export class JsonView {
  #text = document.getElementById("text");
  #numbers = document.querySelector(".sheet .numbers");
  #list = document.getElementById("faults");
  #numbered = "";

  constructor() {
    this.#text.addEventListener("scroll", () => (this.#numbers.scrollTop = this.#text.scrollTop));
    this.#list.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-line]");
      if (!link) return;
      event.preventDefault();
      this.#select(Number(link.dataset.line), Number(link.dataset.column));
    });
  }

  /** Shows the line numbers, and marks those of faults. */
  render() {
    const bad = new Set(Array.from(this.#list.querySelectorAll("a[data-line]"), (link) => Number(link.dataset.line)));
    const count = this.#text.value.split("\n").length;
    const key = `${count} ${[...bad].join()}`;
    if (key === this.#numbered) return;
    this.#numbered = key;
    const parts = [];
    let plain = "";
    for (let n = 1; n <= count; n += 1) {
      if (!bad.has(n)) {
        plain += `${n}\n`;
        continue;
      }
      parts.push(plain, h("b", {}, n));
      plain = "\n";
    }
    this.#numbers.replaceChildren(...parts, plain);
    this.#numbers.scrollTop = this.#text.scrollTop;
  }

  /** Lists the faults of the text that the server found. */
  showFaults(faults) {
    if (faults.length) this.#text.setAttribute("aria-invalid", "true");
    else this.#text.removeAttribute("aria-invalid");
    this.#list.replaceChildren(...faults.map(({ line, column, where, pointer, detail }) => h("li", {},
      h("a", { href: "#text", "data-line": line, "data-column": column }, where), " ",
      pointer && h("code", {}, pointer), pointer && " ", h("span", {}, detail))));
    this.render();
  }

  /** Selects the line from a column on, and scrolls to it. The server counts code points, the field UTF-16 units. */
  #select(row, column) {
    const text = this.#text;
    const lines = text.value.split("\n");
    const before = lines.slice(0, row - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const whole = lines[row - 1] ?? "";
    const start = before + [...whole].slice(0, column - 1).join("").length;
    text.focus({ preventScroll: true });
    text.setSelectionRange(start, Math.max(start, before + whole.trimEnd().replace(/,$/, "").length));
    const height = parseFloat(getComputedStyle(text).lineHeight);
    text.scrollTop = Math.max(0, (row - 1) * height - text.clientHeight / 2);
    const letter = parseFloat(getComputedStyle(text).fontSize) * LETTER_WIDTH_EM;
    text.scrollLeft = Math.max(0, column * letter - text.clientWidth / 2);
    this.#numbers.scrollTop = text.scrollTop;
    text.closest(".sheet").scrollIntoView({ block: "nearest" });
  }
}
