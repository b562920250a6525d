// Steps answered by choosing (boolean, choice, multi_choice, rating) or by typing (text, number, datetime, barcode).
// Choosing is one tap: native radios and checkboxes below the large targets, so that keyboards and screen readers get
// what they know. What is typed is saved when the field is left, when the page is hidden and before the review: not
// letter by letter, since every saved answer is an event for somebody.

import { h, icon, locale, set, setText, showCount, t, theirs } from "./dom.js";
import { length, localToUtc, decimalMark, parseNumber, selectable, showNumber, tidy, utcToLocal } from "./rules.js";
import { StepElement, defineStep } from "./step.js";
import { need } from "./http.js";

const MANY = 15;          // options from which a filter helps more than it costs
const PAUSE = 900;        // ms after the last tick until a choice of several is saved

/** One radio or checkbox that looks like a button. `change` is told of it; `whose` says in which language its label is. */
function pick(kind, name, value, label, change, whose = {}) {
  const input = h("input", { type: kind, name, value, on: { change } });
  return h("label", { class: `pick ${kind}` }, input, h("span", { class: "mark" }, icon("check")), h("span", { class: "pick-label", ...whose }, label));
}

function group(step, role, className, ...children) {
  return h("div", { role, class: className || "group", "aria-labelledby": step.labelId, "aria-describedby": step.wrongId }, ...children);
}

function check(root, isChosen) {
  for (const input of root.querySelectorAll("input[type=radio], input[type=checkbox]")) input.checked = isChosen(input.value);
}

/** The options as rows; above many of them a field that filters. */
function rows(options, kind, name, change, extra = []) {
  const picks = options.map((option) => pick(kind, name, option.id, option.label, change, theirs(option.id)));
  const list = h("div", { class: "picks" }, picks, extra);
  if (options.length < MANY) return [list];
  const none = h("p", { class: "soft", hidden: true }, t("filter_none"));
  const filter = h("input", { type: "search", class: "filter", "aria-label": t("filter"), placeholder: t("filter"), autocomplete: "off" });
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLocaleLowerCase();
    let found = 0;
    options.forEach((option, i) => {
      const fits = option.label.toLocaleLowerCase().includes(wanted);
      set(picks[i], "hidden", !fits);
      found += fits;
    });
    set(none, "hidden", found > 0);
  });
  list.classList.add("long");
  return [filter, list, none];
}

defineStep("boolean", class extends StepElement {
  control() {
    const config = this.step.config ?? {};
    const choose = (event) => this.tapped(event.target.value === "true");
    return group(this, "radiogroup", "picks two",
      pick("radio", this.id, "true", config.true_label ?? t("yes"), choose, config.true_label && theirs(this.id)),
      pick("radio", this.id, "false", config.false_label ?? t("no"), choose, config.false_label && theirs(this.id)));
  }

  show(answer) {
    check(this, (value) => typeof answer?.value === "boolean" && value === String(answer.value));
  }
});

defineStep("choice", class extends StepElement {
  control() {
    return group(this, "radiogroup", "", rows(this.step.config.options, "radio", this.id, (event) => this.tapped(event.target.value)));
  }

  show(answer) {
    check(this, (value) => value === answer?.value);
  }
});

defineStep("multi_choice", class extends StepElement {
  #timer = 0;

  control() {
    const [least, most] = selectable(this.step);
    const { options } = this.step.config;
    this.least = least;
    this.most = most;
    this.none = least === 0 ? pick("checkbox", this.id, "", t("none_of_these"), (event) => this.#ticked(event.target)) : null;
    this.count = h("p", { class: "soft count", "aria-live": "polite" }, this.#countWords(0));
    return group(this, "group", "",
      rows(options, "checkbox", this.id, (event) => this.#ticked(event.target), this.none ? [this.none] : []), this.count);
  }

  show(answer) {
    const chosen = Array.isArray(answer?.value) ? answer.value : null;
    check(this, (value) => (value === "" ? chosen?.length === 0 : chosen?.includes(value) ?? false));
    this.#limit();
  }

  flush() {
    clearTimeout(this.#timer);
    return this.hasAttribute("editing") ? this.save(this.#chosen()) : true;
  }

  #chosen() {
    const ticked = new Set([...this.querySelectorAll("input[type=checkbox]:checked")].map((input) => input.value));
    return this.step.config.options.map((option) => option.id).filter((id) => ticked.has(id));
  }

  #ticked(input) {
    if (input.value === "" && input.checked) check(this, (value) => value === "");
    else if (this.none && input.value !== "") this.none.querySelector("input").checked = false;
    this.#limit();
    set(this, "editing", true);
    clearTimeout(this.#timer);
    const isNothing = this.#chosen().length === 0 && !this.none?.querySelector("input").checked;
    if (isNothing && this.least === 0) {
      // Nothing ticked says nothing: with an answer already given it must be made explicit.
      set(this, "editing", false);
      const before = this.session.answerOf(this.id);
      if (before && !before.skipped && !before.unable) this.save([]);
      return;
    }
    this.#timer = setTimeout(() => this.flush(), PAUSE);
  }

  #limit() {
    const n = this.#chosen().length;
    for (const input of this.querySelectorAll("input[type=checkbox]")) input.disabled = n >= this.most && !input.checked && input.value !== "";
    setText(this.count, this.#countWords(n));
  }

  #countWords(n) {
    const all = this.step.config.options.length;
    if (this.least > 0 && this.most < all) return t("count_between", { n, least: this.least, most: this.most });
    if (this.least > 1) return t("count_least", { n, least: this.least });
    if (this.most < all) return t("count_most", { n, most: this.most });
    return t("count_any", { n });
  }
});

defineStep("rating", class extends StepElement {
  control() {
    const config = this.step.config ?? {};
    const [least, most] = [config.min ?? 1, config.max ?? 5];
    const grades = Array.from({ length: most - least + 1 }, (_, i) => String(least + i));
    const choose = (event) => this.tapped(Number(event.target.value));
    const ends = config.min_label || config.max_label
      ? h("div", { class: "ends soft" }, h("bdi", theirs(this.id), config.min_label ?? ""), h("bdi", theirs(this.id), config.max_label ?? "")) : null;
    return [
      group(this, "radiogroup", grades.length > 6 ? "grades many" : "grades",
        grades.map((grade) => h("label", { class: "grade" },
          h("input", { type: "radio", name: this.id, value: grade, on: { change: choose } }), h("span", {}, showCount(Number(grade)))))),
      ends,
    ];
  }

  show(answer) {
    check(this, (value) => answer?.value != null && value === String(answer.value));
  }
});

/** A step with one field. Below it: `read()` gives the field's value for the wire, `write(value)` shows one. */
export class FieldStep extends StepElement {
  wire(field) {
    this.field = field;
    set(field, "aria-labelledby", this.labelId);
    set(field, "aria-describedby", this.wrongId);
    field.addEventListener("input", () => {
      set(this, "editing", true);
      this.complain(null);
      this.typed();
    });
    field.addEventListener("change", () => this.flush());
    field.addEventListener("blur", () => this.flush());
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || field.tagName === "TEXTAREA" || event.isComposing) return;
      event.preventDefault();
      if (field.value !== "" && this.flush()) {
        field.blur(); // puts the keyboard away, so that the next step has room
        this.goOn();
      }
    });
    return field;
  }

  typed() {}

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
    const before = this.session.answerOf(this.id);
    if (this.field.value.trim() === "" && !this.field.validity.badInput) {
      // An emptied field answers nothing, and the server keeps no empty answers: say so instead of losing it.
      const wasAnswered = before && !before.skipped && !before.unable;
      this.complain(wasAnswered ? ["wrong_emptied", {}] : null);
      if (!wasAnswered) this.removeAttribute("editing");
      return !wasAnswered;
    }
    return this.save(this.read());
  }
}

defineStep("text", class extends FieldStep {
  control() {
    const config = this.step.config ?? {};
    this.most = config.max_length ?? 2000;
    const shared = { dir: "auto", placeholder: config.placeholder ?? null, autocapitalize: "sentences", autocomplete: "off" };
    const field = config.multiline
      ? h("textarea", { rows: "4", ...shared })
      : h("input", { type: "text", enterkeyhint: "next", ...shared });
    this.counter = h("p", { class: "soft count" });
    return [this.wire(field), this.counter];
  }

  typed() {
    const n = length(tidy(this.field.value));
    setText(this.counter, t("count_letters", { n, most: this.most }));
    set(this.counter, "over", n > this.most);
    // Room for the counter is always kept; it speaks up when the end comes near.
    set(this.counter, "shown", n > this.most * 0.8);
  }

  read() {
    return tidy(this.field.value.replaceAll("\0", ""));
  }
});

defineStep("number", class extends FieldStep {
  control() {
    const config = this.step.config ?? {};
    const mayBeNegative = config.min == null || config.min < 0;
    const field = h("input", {
      type: "text", inputmode: config.decimals === 0 ? "numeric" : "decimal", enterkeyhint: "next", autocomplete: "off", class: "figure", dir: "ltr",
    });
    // The numeric keypad of an iPhone has no minus.
    const sign = h("button", { type: "button", class: "button square", "aria-label": t("change_sign"), on: { click: () => this.#turn() } }, "±");
    return [
      h("div", { class: "field-row" }, mayBeNegative ? sign : null, this.wire(field), config.unit ? h("bdi", { class: "unit", ...theirs(this.id) }, config.unit) : null),
      this.#range(config),
    ];
  }

  read() {
    return parseNumber(this.field.value, decimalMark(locale));
  }

  write(value) {
    this.field.value = value === null ? "" : showNumber(value, locale);
  }

  #turn() {
    const typed = this.field.value.trim();
    const minus = /^[\u061C\u200E\u200F]*[-−]/; // Arabic puts a mark of direction before it
    this.field.value = minus.test(typed) ? typed.replace(minus, "") : `-${typed.replace(/^\+/, "")}`;
    set(this, "editing", true);
    if (typed === "") this.field.focus();
    else this.flush();
  }

  #range({ min, max, unit }) {
    if (min == null && max == null) return null;
    const word = min == null ? "range_to" : max == null ? "range_from" : "range";
    const show = (n) => (n == null ? "" : showCount(n));
    return h("p", { class: "soft count", shown: true }, t(word, { min: show(min), max: show(max), unit: unit ?? "" }).trim());
  }
});

defineStep("datetime", class extends FieldStep {
  control() {
    this.isDay = (this.step.config?.mode ?? "date") === "date";
    const field = this.wire(h("input", { type: this.isDay ? "date" : "datetime-local", max: this.isDay ? "9999-12-31" : "9999-12-31T23:59" }));
    const now = h("button", { type: "button", class: "button", on: { click: () => this.#now() } }, t(this.isDay ? "today" : "now"));
    return h("div", { class: "field-row" }, field, now);
  }

  read() {
    return this.isDay ? this.field.value : localToUtc(this.field.value);
  }

  write(value) {
    this.field.value = value === null ? "" : this.isDay ? value : utcToLocal(value);
  }

  #now() {
    const local = utcToLocal(new Date().toISOString());
    this.field.value = this.isDay ? local.slice(0, 10) : local;
    this.tapped(this.read());
  }
});

defineStep("barcode", class extends FieldStep {
  control() {
    const field = this.wire(h("input", {
      type: "text", autocomplete: "off", autocapitalize: "off", autocorrect: "off", spellcheck: "false", enterkeyhint: "next", class: "code", dir: "auto",
      placeholder: t("barcode_type"),
    }));
    this.message = h("p", { class: "soft count", "aria-live": "polite", shown: true });
    const still = h("input", { type: "file", accept: "image/*", capture: "environment", class: "unseen", on: { change: () => this.#fromPicture(still) } });
    this.button = "BarcodeDetector" in window && navigator.mediaDevices?.getUserMedia
      ? h("button", { type: "button", class: "button primary", on: { click: () => this.#live() } }, icon("scan"), h("span", {}, t("scan")), still)
      : null;
    const picture = h("label", { class: this.button ? "button" : "button primary" }, icon("camera"), h("span", {}, t("scan_picture")), still);
    return [h("div", { class: "field-row" }, field), h("div", { class: "pair" }, this.button, picture), this.message];
  }

  read() {
    return tidy(this.field.value.replaceAll("\0", ""));
  }

  async #live() {
    const { scanLive } = await need("scan");
    const found = await scanLive(this.step.config?.formats);
    if (found) this.#take(found);
  }

  async #fromPicture(input) {
    const [file] = input.files;
    if (!file) return;
    input.value = "";
    setText(this.message, t("scan_reading"));
    const { scanPicture } = await need("scan");
    const found = await scanPicture(this.session, file);
    if (found.text) return this.#take(found);
    setText(this.message, found.problem);
    this.field.focus();
  }

  #take({ text, format }) {
    const formats = this.step.config?.formats;
    if (formats && format && !formats.includes(format)) {
      setText(this.message, t("scan_wrong_kind", { format: format.replaceAll("_", " ") }));
      return;
    }
    setText(this.message, t("scan_found", { text }));
    this.field.value = text;
    this.tapped(this.read());
  }
});
