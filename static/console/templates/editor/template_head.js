// What the whole checklist says: its name, description, settings, and the fields of the job.

import { h, setText, t } from "../../../executor/dom.js";
import {
  actButton, faultItem, labelled, numberControl, onPaste, partButtons, replaceContent, selectControl, textControl,
  textField, tickControl,
} from "./controls.js";
import { named } from "./panel.js";

export class TemplateHead {
  #editor;
  #root;
  #name = null;
  #settings = h("div", { class: "settings-of-all" });
  #fields = h("div", { class: "fields" });
  #faults = h("ul", { class: "faults" });
  #names = h("span", { class: "small" });
  #shown = null;   // the template shown

  constructor(editor, root) {
    this.#editor = editor;
    this.#root = root;
  }

  /** Shows the template's own members. While a text is typed, only the name is compared. */
  render(isTyping) {
    const { template } = this.#editor;
    if (!this.#name) this.#build();
    const name = String(template.name ?? "");
    if (this.#name.value !== name) this.#name.value = name;
    if (isTyping || this.#shown === template) return;
    this.#shown = template;
    replaceContent(this.#settings, this.#settingControls());
    replaceContent(this.#fields, this.#fieldControls());
    const names = (template.fields ?? []).map(({ label }) => label).join(", ");
    setText(this.#names, names && `: ${names}`);
  }

  /** Removes its parts, to be drawn anew. */
  clear() {
    this.#root.replaceChildren();
    this.#name = this.#shown = null;
  }

  focus() {
    this.#name.focus();
    this.#name.select();
  }

  /** Shows the faults of the template and the job's fields. */
  showFaults(faults) {
    this.#faults.replaceChildren(...faults.map(faultItem));
  }

  #build() {
    const look = { name: t("checklist_name"), className: "text name" };
    this.#name = textField(this.#editor, "", ["name"], { isNeeded: true, ...look });
    this.#name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      this.#editor.focusFirst();
    });
    onPaste(this.#name, (lines) => this.#editor.addLines(lines));
    this.#root.append(this.#editor.translations.beside(this.#name, "", "name"), this.#faults,
      h("details", {}, h("summary", {}, t("whole_checklist")), this.#settings),
      h("details", { class: "job-fields" }, h("summary", {}, t("field_fields"), this.#names), this.#fields));
  }

  #settingControls() {
    const { template } = this.#editor;
    const tags = h("textarea", { rows: "2", dir: "auto", "data-key": "tags", value: (template.tags ?? []).join("\n") });
    tags.addEventListener("input", () => {
      const lines = tags.value.split("\n").map((line) => line.trim()).filter(Boolean);
      this.#editor.set("", ["tags"], lines.length ? lines : undefined, { typing: "tags" });
    });
    const tick = (name, fallback) => tickControl(this.#editor, "", ["settings", name], t(`field_${name}`), fallback);
    const select = (name, values) => labelled(t(`field_${name}`),
      selectControl(this.#editor, "", ["execution", name], named(name, values), values[0]));
    return [
      labelled(t("field_description"), textControl(this.#editor, "", ["description"], { className: "long" })),
      h("div", { class: "settings" },
        labelled(t("field_est_minutes"), numberControl(this.#editor, "", ["settings", "est_minutes"])),
        select("identity_required", ["none", "name", "email", "phone"]),
        select("scope", ["any", "first_device"]),
        labelled(t("field_tags"), tags, t("one_a_line"))),
      h("div", { class: "row" }, tick("allow_skip", false), tick("allow_unable", true), tick("allow_remarks", true),
        tick("signature_on_complete", false), tick("executor_report", false)),
    ];
  }

  #fieldControls() {
    const fields = this.#editor.template.fields ?? [];
    const line = ({ id }, index) => h("li", {},
      textControl(this.#editor, id, ["label"], { isNeeded: true, name: `${t("one_of_fields")} ${index + 1}` }),
      selectControl(this.#editor, id, ["kind"], named("kind", this.#editor.words.kinds), null, t("field_kind")),
      selectControl(this.#editor, id, ["show"], named("show", ["job", "start", "office"]), "job", t("field_show")),
      tickControl(this.#editor, id, ["required"], t("field_required")),
      partButtons(this.#editor, id));
    const add = () => this.#editor.addPart("", ["fields"], { id: this.#editor.makeId("f-"), label: "", kind: "text" });
    return [h("ol", {}, ...fields.map(line)), actButton("add field", add, t("add_fields"))];
  }
}
