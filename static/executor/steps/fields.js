// Steps answered by choosing (boolean, choice, multi_choice, rating) or by typing (text, number, datetime, barcode).
// Choosing is one tap; below the large targets are native radios and checkboxes, for keyboards and screen readers.
// Typed text is saved when the field is left, when the page is hidden, and before the review: not letter by letter,
// since every saved answer may be sent to a webhook.

import { h, icon, locale, makeButton, setAttr, setText, showCount, t, textAttributes } from "../dom.js";
import {
  MAX_TEXT, capitals, choiceLimits, decimalMark, length, localToUtc, markNow, nowUtc, parseNumber, showNumber, tidy,
  utcToLocal,
} from "../rules.js";
import { FieldStep, StepElement, defineStep } from "./form.js";
import { loadModule } from "../http.js";

const FILTER_FROM = 15;      // number of options from which there is a filter
const SAVE_DELAY_MS = 900;   // after the last tick, until a choice of several is saved

/** → a radio or checkbox that looks like a button. `text`: the attributes of its label. */
function makePick(kind, name, value, label, change, text = {}) {
  const input = h("input", { type: kind, name, value, on: { change } });
  const mark = h("span", { class: "mark" }, icon("check"));
  return h("label", { class: `pick ${kind}` }, input, mark, h("span", { class: "pick-label", ...text }, label));
}

function group(step, role, className, ...children) {
  const labels = { "aria-labelledby": step.labelId, "aria-describedby": step.wrongId };
  return h("div", { role, class: className || "group", ...labels }, ...children);
}

/** Checks the inputs for whose value `isChosen(value)` is true. */
function setChecked(root, isChosen) {
  const inputs = root.querySelectorAll("input[type=radio], input[type=checkbox]");
  for (const input of inputs) input.checked = isChosen(input.value);
}

/** → the options as rows; above many of them a field that filters. */
function optionRows(options, kind, name, change, extra = []) {
  const picks = options.map(({ id, label }) => makePick(kind, name, id, label, change, textAttributes(id)));
  const list = h("div", { class: "picks" }, picks, extra);
  if (options.length < FILTER_FROM) return [list];
  const none = h("p", { class: "soft", hidden: true }, t("filter_none"));
  const labels = { "aria-label": t("filter"), placeholder: t("filter") };
  const filter = h("input", { type: "search", class: "filter", autocomplete: "off", ...labels });
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLocaleLowerCase();
    let found = 0;
    options.forEach((option, i) => {
      const fits = option.label.toLocaleLowerCase().includes(wanted);
      setAttr(picks[i], "hidden", !fits);
      found += fits;
    });
    setAttr(none, "hidden", found > 0);
  });
  list.classList.add("long");
  return [filter, list, none];
}

defineStep("boolean", class extends StepElement {
  control() {
    const choose = (event) => this.tapped(event.target.value === "true");
    const option = (value, label, own) =>
      makePick("radio", this.id, value, own ?? label, choose, own && textAttributes(this.id));
    return group(this, "radiogroup", "picks two",
      option("true", t("yes"), this.step.config?.true_label), option("false", t("no"), this.step.config?.false_label));
  }

  show(answer) {
    setChecked(this, (value) => typeof answer?.value === "boolean" && value === String(answer.value));
  }
});

defineStep("choice", class extends StepElement {
  control() {
    const choose = (event) => this.tapped(event.target.value);
    return group(this, "radiogroup", "", optionRows(this.step.config.options, "radio", this.id, choose));
  }

  show(answer) {
    setChecked(this, (value) => value === answer?.value);
  }
});

defineStep("multi_choice", class extends StepElement {
  #timer = 0;

  control() {
    const { options } = this.step.config;
    [this.min, this.max] = choiceLimits(this.step);
    const tick = (event) => this.#ticked(event.target);
    this.none = this.min === 0 ? makePick("checkbox", this.id, "", t("none_of_these"), tick) : null;
    this.count = h("p", { class: "soft count", "aria-live": "polite" }, this.#countWords(0));
    this.ready = makeButton("button primary", () => this.#finish(), icon("check"), h("span", {}, t("done")));
    const end = h("div", { class: "choice-end" }, this.count, this.ready);
    return group(this, "group", "", optionRows(options, "checkbox", this.id, tick, this.none ? [this.none] : []), end);
  }

  /** Goes on when the person says that the choice is complete. */
  #finish() {
    if (this.flush() && this.hasAttribute("done")) this.goOn();
  }

  show(answer) {
    const chosen = Array.isArray(answer?.value) ? answer.value : null;
    setChecked(this, (value) => (value === "" ? chosen?.length === 0 : chosen?.includes(value) ?? false));
    this.#limit();
  }

  flush() {
    clearTimeout(this.#timer);
    if (!this.hasAttribute("editing")) return true;
    if (!this.#isEmptied()) return this.save(this.#chosen());
    const { isAnswered } = this;
    if (isAnswered) this.complain(["wrong_emptied", {}]);
    else this.cleared();
    return !isAnswered;
  }

  #chosen() {
    const ticked = new Set([...this.querySelectorAll("input[type=checkbox]:checked")].map((input) => input.value));
    return this.step.config.options.map((option) => option.id).filter((id) => ticked.has(id));
  }

  #ticked(input) {
    if (input.value === "" && input.checked) setChecked(this, (value) => value === "");
    else if (this.none && input.value !== "") this.none.querySelector("input").checked = false;
    this.#limit();
    this.beginEdit();
    clearTimeout(this.#timer);
    if (this.none?.querySelector("input").checked) return this.tapped([]); // which completes the choice
    this.session.drafts.store(this.id, this.#chosen(), this.replaces);
    if (this.#isEmptied()) return this.flush();
    this.complain(null);
    this.#timer = setTimeout(() => this.flush(), SAVE_DELAY_MS);
  }

  restore() {
    const draft = this.session.drafts.take(this.id);
    if (!Array.isArray(draft?.text)) return;
    setChecked(this, (value) => draft.text.includes(value));
    this.beginEdit(draft.replaces);
    this.#limit();
    this.#timer = setTimeout(() => this.flush(), SAVE_DELAY_MS);
  }

  /** True while nothing is ticked, which is no answer, unlike "none of these". */
  #isEmptied() {
    return this.#chosen().length === 0 && !this.none?.querySelector("input").checked;
  }

  /** Disables further options at the maximum, and shows the count. */
  #limit() {
    const n = this.#chosen().length;
    const isOver = (input) => n >= this.max && !input.checked && input.value !== "";
    for (const input of this.querySelectorAll("input[type=checkbox]")) input.disabled = isOver(input);
    const isNone = Boolean(this.none?.querySelector("input").checked);
    setText(this.count, isNone ? "" : this.#countWords(n));
    setAttr(this.ready, "disabled", !(n || isNone) || n < this.min);
  }

  #countWords(n) {
    const all = this.step.config.options.length;
    if (this.min > 0 && this.max < all) return t("count_between", { n, least: this.min, most: this.max });
    if (this.min > 1) return t("count_least", { n, least: this.min });
    if (this.max < all) return t("count_most", { n, most: this.max });
    return t("count_any", { n });
  }
});

defineStep("rating", class extends StepElement {
  control() {
    const config = this.step.config ?? {};
    const [min, max] = [config.min ?? 1, config.max ?? 5];
    const grades = Array.from({ length: max - min + 1 }, (_, i) => String(min + i));
    const choose = (event) => this.tapped(Number(event.target.value));
    const label = (text) => h("bdi", textAttributes(this.id), text ?? "");
    const hasLabels = config.min_label || config.max_label;
    const radio = (grade) => h("label", { class: "grade" },
      h("input", { type: "radio", name: this.id, value: grade, on: { change: choose } }),
      h("span", {}, showCount(Number(grade))));
    const many = grades.length > 9 ? " many most" : grades.length > 6 ? " many" : "";
    const scale = group(this, "radiogroup", `grades${many}`, grades.map(radio));
    scale.style.setProperty("--n", grades.length);
    return [
      scale,
      hasLabels ? h("div", { class: "ends soft" }, label(config.min_label), label(config.max_label)) : null,
    ];
  }

  show(answer) {
    setChecked(this, (value) => answer?.value != null && value === String(answer.value));
  }
});

defineStep("text", class extends FieldStep {
  control() {
    const config = this.step.config ?? {};
    this.max = config.max_length ?? MAX_TEXT;
    this.tidied = config.case === "upper" ? capitals : tidy;
    const { placeholder = null } = config;
    const autocapitalize = config.case === "upper" ? "characters" : "sentences";
    const shared = { dir: "auto", placeholder, autocapitalize, autocomplete: "off" };
    const field = config.multiline
      ? h("textarea", { rows: "4", ...shared })
      : h("input", { type: "text", enterkeyhint: "next", ...shared });
    this.counter = h("p", { class: "soft count" });
    return [this.connect(field), this.counter];
  }

  typed() {
    const n = length(this.tidied(this.field.value));
    setText(this.counter, t("count_letters", { n, most: this.max }));
    setAttr(this.counter, "over", n > this.max);
    // Shown near the limit.
    setAttr(this.counter, "shown", n > this.max * 0.8);
  }

  read() {
    return this.tidied(this.field.value.replaceAll("\0", ""));
  }
});

defineStep("number", class extends FieldStep {
  control() {
    const config = this.step.config ?? {};
    const mayBeNegative = config.min == null || config.min < 0;
    const inputmode = config.decimals === 0 ? "numeric" : "decimal";
    const hints = { inputmode, enterkeyhint: "next", autocomplete: "off" };
    const field = this.connect(h("input", { type: "text", class: "figure", dir: "ltr", ...hints }));
    // The numeric keypad of an iPhone has no minus.
    const sign = makeButton("button square", () => this.#changeSign(), "±");
    setAttr(sign, "aria-label", t("change_sign"));
    const unit = config.unit ? h("bdi", { class: "unit", ...textAttributes(this.id) }, config.unit) : null;
    return [
      h("div", { class: "field-row" }, mayBeNegative ? sign : null, field, unit),
      this.#range(config),
    ];
  }

  read() {
    return parseNumber(this.field.value, decimalMark(locale));
  }

  write(value) {
    this.field.value = value === null ? "" : showNumber(value, locale);
  }

  /** Changes the sign of the typed number. */
  #changeSign() {
    const typed = this.field.value.trim();
    const minus = /^[\u061C\u200E\u200F]*[-−]/; // in Arabic a mark of direction comes before it
    this.field.value = minus.test(typed) ? typed.replace(minus, "") : `-${typed.replace(/^\+/, "")}`;
    this.edited();
    if (typed === "") this.field.focus();
    else this.flush();
  }

  #range({ min, max, unit }) {
    if (min == null && max == null) return null;
    const word = min == null ? "range_to" : max == null ? "range_from" : "range";
    const show = (n) => (n == null ? "" : showCount(n));
    const words = t(word, { min: show(min), max: show(max), unit: unit ?? "" }).trim();
    return h("p", { class: "soft count", shown: true }, words);
  }
});

defineStep("datetime", class extends FieldStep {
  control() {
    this.isDay = (this.step.config?.mode ?? "date") === "date";
    const [type, max] = this.isDay ? ["date", "9999-12-31"] : ["datetime-local", "9999-12-31T23:59"];
    const field = this.connect(h("input", { type, max }));
    const now = makeButton("button", () => this.#answerNow(), t(this.isDay ? "today" : "now"));
    return h("div", { class: "field-row" }, field, now);
  }

  read() {
    return this.isDay ? this.field.value : localToUtc(this.field.value);
  }

  write(value) {
    this.field.value = value === null ? "" : this.isDay ? value : utcToLocal(value);
  }

  #answerNow() {
    const local = utcToLocal(nowUtc());
    this.field.value = this.isDay ? local.slice(0, 10) : local;
    this.tapped(this.read());
    markNow(this.session.outbox, this.id);
  }
});

defineStep("barcode", class extends FieldStep {
  control() {
    const hints = { autocomplete: "off", autocapitalize: "off", autocorrect: "off", spellcheck: "false" };
    const field = this.connect(h("input", {
      type: "text", class: "code", dir: "auto", enterkeyhint: "next", placeholder: t("barcode_type"), ...hints,
    }));
    this.message = h("p", { class: "soft count", "aria-live": "polite", shown: true });
    const still = h("input", { type: "file", accept: "image/*", capture: "environment", class: "visually-hidden" });
    still.addEventListener("change", () => this.#scanPicture(still));
    this.button = "BarcodeDetector" in window && navigator.mediaDevices?.getUserMedia
      ? makeButton("button primary", () => this.#scanLive(), icon("scan"), h("span", {}, t("scan")), still)
      : null;
    const className = this.button ? "button" : "button primary";
    const picture = h("label", { class: className }, icon("camera"), h("span", {}, t("scan_picture")), still);
    return [h("div", { class: "field-row" }, field), h("div", { class: "pair" }, this.button, picture), this.message];
  }

  read() {
    return tidy(this.field.value.replaceAll("\0", ""));
  }

  async #scanLive() {
    const { scanLive } = await loadModule("photos/scan");
    const found = await scanLive(this.step.config?.formats);
    if (found) this.#take(found);
  }

  async #scanPicture(input) {
    const [file] = input.files;
    if (!file) return;
    input.value = "";
    setText(this.message, t("scan_reading"));
    const { scanPicture } = await loadModule("photos/scan");
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
