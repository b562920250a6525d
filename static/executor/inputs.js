// Steps answered by typing: text, number, datetime, barcode. What is typed is saved when the field is left, when the
// page is hidden and before the review: not letter by letter, since every saved answer is an event for somebody.

import { h, icon, set, setText } from "./dom.js";
import { StepElement, defineStep } from "./step.js";
import { length, localToUtc, parseNumber, showNumber, tidy, utcToLocal } from "./values.js";
import { locale, t } from "./words.js";

/** A step with one field. Below it: `read()` gives the field's value for the wire, `write(value)` shows one. */
class FieldStep extends StepElement {
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
    const shared = { placeholder: config.placeholder ?? null, autocapitalize: "sentences", autocomplete: "off" };
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
      type: "text", inputmode: config.decimals === 0 ? "numeric" : "decimal", enterkeyhint: "next", autocomplete: "off", class: "figure",
    });
    // The numeric keypad of an iPhone has no minus.
    const sign = h("button", { type: "button", class: "button square", "aria-label": t("change_sign"), on: { click: () => this.#turn() } }, "±");
    return [
      h("div", { class: "field-row" }, mayBeNegative ? sign : null, this.wire(field), config.unit ? h("span", { class: "unit" }, config.unit) : null),
      this.#range(config),
    ];
  }

  read() {
    return parseNumber(this.field.value);
  }

  write(value) {
    this.field.value = value === null ? "" : showNumber(value, locale);
  }

  #turn() {
    const typed = this.field.value.trim();
    this.field.value = /^[-−]/.test(typed) ? typed.slice(1) : `-${typed.replace(/^\+/, "")}`;
    set(this, "editing", true);
    if (typed === "") this.field.focus();
    else this.flush();
  }

  #range({ min, max, unit }) {
    if (min == null && max == null) return null;
    const word = min == null ? "range_to" : max == null ? "range_from" : "range";
    const show = (n) => (n == null ? "" : new Intl.NumberFormat(locale, { maximumFractionDigits: 20 }).format(n));
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
      type: "text", autocomplete: "off", autocapitalize: "off", autocorrect: "off", spellcheck: "false", enterkeyhint: "next", class: "code",
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
    const { scanLive } = await import("./scan.js");
    const found = await scanLive(this.step.config?.formats);
    if (found) this.#take(found);
  }

  async #fromPicture(input) {
    const [file] = input.files;
    if (!file) return;
    input.value = "";
    setText(this.message, t("scan_reading"));
    try {
      const { inTurn, shrink } = await import("./photos.js");
      // Sharper than an answer's photo: thin bars must survive.
      const { bytes, type } = await inTurn(() => shrink(file, 2048, 0.92));
      this.#take(await this.session.outbox.request("POST", "/decode", bytes, type));
    } catch (problem) {
      setText(this.message, t(problem.status === 422 || problem.status === 404 ? "scan_nothing" : "scan_failed"));
      this.field.focus();
    }
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
