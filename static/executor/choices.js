// Steps answered by choosing: boolean, choice, multi_choice, rating. One tap each; native radios and checkboxes below
// the large targets, so that keyboards and screen readers get what they know.

import { h, icon, set, setText } from "./dom.js";
import { StepElement, defineStep } from "./step.js";
import { selectable } from "./values.js";
import { t } from "./words.js";

const MANY = 15;          // options from which a filter helps more than it costs
const PAUSE = 900;        // ms after the last tick until a choice of several is saved

/** One radio or checkbox that looks like a button. `on.change` is told of it. */
function pick(kind, name, value, label, change) {
  const input = h("input", { type: kind, name, value, on: { change } });
  return h("label", { class: `pick ${kind}` }, input, h("span", { class: "mark" }, icon("check")), h("span", { class: "pick-label" }, label));
}

function group(step, role, className, ...children) {
  return h("div", { role, class: className || "group", "aria-labelledby": step.labelId, "aria-describedby": step.wrongId }, ...children);
}

function check(root, isChosen) {
  for (const input of root.querySelectorAll("input[type=radio], input[type=checkbox]")) input.checked = isChosen(input.value);
}

/** The options as rows; above many of them a field that filters. */
function rows(options, kind, name, change, extra = []) {
  const picks = options.map((option) => pick(kind, name, option.id, option.label, change));
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
      pick("radio", this.id, "true", config.true_label ?? t("yes"), choose),
      pick("radio", this.id, "false", config.false_label ?? t("no"), choose));
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
      ? h("div", { class: "ends soft" }, h("span", {}, config.min_label ?? ""), h("span", {}, config.max_label ?? "")) : null;
    return [
      group(this, "radiogroup", grades.length > 6 ? "grades many" : "grades",
        grades.map((grade) => h("label", { class: "grade" },
          h("input", { type: "radio", name: this.id, value: grade, on: { change: choose } }), h("span", {}, grade)))),
      ends,
    ];
  }

  show(answer) {
    check(this, (value) => answer?.value != null && value === String(answer.value));
  }
});
