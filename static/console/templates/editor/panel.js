// The panel of the selected row: the members of a step or section beside its text, in words.

import { h, t } from "../../../executor/dom.js";
import { CONDITION, FLAG } from "./conditions.js";
import {
  actButton, focusControl, labelled, moveButtons, numberControl, onPaste, partButtons, selectControl, signButton,
  textControl, textField, tickControl,
} from "./controls.js";
import { optionsIn } from "./lines.js";
import { CONFIG } from "./operations.js";
import { pictureList, pickPictures } from "./picture_list.js";
import { newRule, ruleView } from "./rule_view.js";
import { MAX_LIST, MAX_OPTIONS } from "./showable.js";

const MOST = { options: MAX_OPTIONS, slots: MAX_LIST };   // parts that a paste may make

const DEFAULTS = {   // shown in an empty field: what holds where nothing is written
  min_selected: "0", max_length: "2000", "rating min": "1", "rating max": "5", "photo min": "1", "photo max": "10",
};

/** → the content of a step's panel. */
export function stepPanel(editor, step) {
  return [
    ...configControls(editor, step),
    ...hint(editor, step),
    ...photos(editor, step),
    pictureList(editor, step),
    ...rules(editor, step),
    h("div", { class: "row" },
      tickControl(editor, step.id, ["required"], t("field_required"), true),
      tickControl(editor, step.id, ["geo"], t("with_position")),
      ...additions(editor, step)),
    footer(editor, step),
  ];
}

/** → the content of a heading's panel. */
export function sectionPanel(editor, section) {
  return [
    labelled(t("field_description"), textControl(editor, section.id, ["description"], { className: "long" })),
    footer(editor, section),
  ];
}

function footer(editor, part) {
  const button = (word, act) => actButton(`${word} ${part.id}`, act, t(word));
  return h("div", { class: "row foot" }, h("span", { class: "row" },
    ...moveButtons(editor, part.id),
    button("duplicate", () => editor.duplicate(part.id)),
    button("delete", () => editor.remove(part.id))), h("details", { class: "small" },
    h("summary", {}, t("for_developers")), h("p", {}, t("field_id"), " ", h("code", {}, part.id))));
}

/** → the controls of the members in a step's `config`. */
function configControls(editor, step) {
  const names = CONFIG[step.type];
  const hasSlots = Boolean(step.config?.slots);
  const shown = names.filter((name) => !(hasSlots && (name === "min" || name === "max")));
  const fields = shown.filter((name) => !["options", "slots", "body", "formats"].includes(name));
  const body = () => textControl(editor, step.id, ["config", "body"], { isNeeded: true, className: "long" });
  return [
    names.includes("body") && labelled(t("field_body"), body()),
    names.includes("options") && partList(editor, step, "options", "o-"),
    names.includes("slots") && partList(editor, step, "slots", "p-"),
    names.includes("formats") && formats(editor, step),
    fields.length > 0 && h("div", { class: "settings" }, ...fields.map((name) => configControl(editor, step, name))),
  ].filter(Boolean);
}

function configControl(editor, step, name) {
  const path = ["config", name];
  const isCount = step.type === "photo" && (name === "min" || name === "max");
  const words = t(isCount ? `photos_${name}` : `field_${name}`);
  const select = (values) => labelled(words, selectControl(editor, step.id, path, named(name, values), values[0]));
  const placeholder = DEFAULTS[`${step.type} ${name}`] ?? DEFAULTS[name] ?? null;
  switch (name) {
    case "multiline": case "annotate": return tickControl(editor, step.id, path, words);
    case "allow_gallery": return tickControl(editor, step.id, path, words, true);
    case "case": return select(["any", "upper"]);
    case "mode": return select(["date", "datetime"]);
    case "true_label": return labelled(words, textControl(editor, step.id, path, { placeholder: t("yes") }));
    case "false_label": return labelled(words, textControl(editor, step.id, path, { placeholder: t("no") }));
    case "unit": case "placeholder": case "min_label": case "max_label":
      return labelled(words, textControl(editor, step.id, path));
    default: return labelled(words, numberControl(editor, step.id, path, placeholder));
  }
}

/** → choices of a select: the names of a member's values in words. */
export function named(field, names) {
  return names.map((name) => [name, t(`value_${field}_${name}`)]);
}

/** → the options of a choice, or the shots of a photo step: one field each; Enter makes the next. */
function partList(editor, step, list, prefix) {
  const path = ["config", list];
  const parts = step.config?.[list] ?? [];
  const make = (label) => ({ id: editor.makeId(prefix), label });
  const add = (after) => editor.addPart(step.id, path, make(""), after);
  const partsIn = (lines) => optionsIn(lines).map(make).slice(0, Math.max(0, MOST[list] - parts.length));
  const line = (part, index) => {
    const name = t(`one_of_${list}`);
    const field = textField(editor, part.id, ["label"], { isNeeded: true, name: `${name} ${index + 1}` });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) {
        event.preventDefault();
        if (field.value !== "" || parts.length === 1) add(part.id);
        else editor.goOn(part.id, step.id);
      } else if (event.key === "Backspace" && field.value === "" && parts.length > 1) {
        event.preventDefault();
        editor.remove(part.id);
      } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
        event.preventDefault();
        event.stopPropagation();
        editor.move(part.id, event.key === "ArrowUp" ? -1 : 1);
      }
    });
    onPaste(field, (lines) => editor.insertParts(step.id, path, partsIn(lines), part.id));
    return h("li", {}, editor.translations.beside(field, part.id, "label"), partButtons(editor, part.id));
  };
  return h("div", { class: "field parts" },
    h("span", { class: "name" }, t(`field_${list}`)),
    h("ol", {}, ...parts.map(line)),
    actButton(`add ${step.id} ${list}`, () => add(parts.at(-1)?.id), t(`add_${list}`)));
}

function formats(editor, step) {
  const all = editor.words.formats;
  const chosen = step.config?.formats ?? all;
  const toggle = (name) => {
    const next = all.filter((one) => (one === name) !== chosen.includes(one));
    editor.set(step.id, ["config", "formats"], next.length === all.length ? undefined : next);
  };
  const box = (name) => h("input", {
    type: "checkbox", checked: chosen.includes(name), "data-key": `${step.id} ${name}`,
    on: { change: () => toggle(name) },
  });
  return h("fieldset", { class: "field" }, h("legend", {}, t("field_formats")), h("div", { class: "row" },
    ...named("formats", all).map(([name, words]) => h("label", { class: "tick" }, box(name), words))));
}

function hint(editor, step) {
  if (!hasHint(editor, step)) return [];
  return [labelled(t("field_hint"), textControl(editor, step.id, ["hint"], { className: "long" }))];
}

/** → whether a step has a hint, or had one of which there is a translation yet, or is about to get one. */
function hasHint(editor, step) {
  return typeof step.hint === "string" || editor.isOpened(step.id, "hint") || editor.translations.has(step.id, "hint");
}

/** → the controls of the photos beside an answer. */
function photos(editor, step) {
  if (!step.photo || step.type === "photo") return [];
  return [h("fieldset", { class: "field" }, h("legend", {}, t("field_photo")), h("div", { class: "settings" },
    labelled(t("photos_min"), numberControl(editor, step.id, ["photo", "min"], "0")),
    labelled(t("photos_max"), numberControl(editor, step.id, ["photo", "max"], "10")),
    tickControl(editor, step.id, ["photo", "annotate"], t("field_annotate")),
    signButton("✕", t("delete"), () => editor.set(step.id, ["photo"], undefined))))];
}

function rules(editor, step) {
  const field = (word, ...content) => h("div", { class: "field" }, h("span", { class: "name" }, t(word)), ...content);
  return [
    step.condition && field("ask_only_if", ruleView(editor, step, CONDITION)),
    step.flag && field("flag_when", ruleView(editor, step, FLAG),
      labelled(t("and_tell"), textControl(editor, step.id, ["flag", "tell"]))),
  ].filter(Boolean);
}

/** → the buttons that add what the step does not have yet. */
function additions(editor, step) {
  const [condition, when] = [false, true].map((isOwn) => newRule({ editor, step, isOwn }));
  const button = (isLacking, word, act) => isLacking && actButton(`add ${step.id} ${word}`, act, "+ ", t(word));
  const begin = (path, value, focused) => () => {
    editor.set(step.id, path, value);
    focusControl(`${step.id} ${focused}`);
  };
  const { length } = step.pictures ?? [];
  return [
    button(!hasHint(editor, step), "field_hint", () => editor.open(step.id, "hint")),
    button(!step.condition && condition, "ask_only_if", begin(CONDITION, condition, "condition step")),
    button(!step.flag, "flag_when", begin(["flag"], { when }, "flag when op")),
    button(step.type !== "photo" && !step.photo, "add_photos", begin(["photo"], { min: 1 }, "photo min")),
    button(length < editor.words.max_pictures, "add_pictures", () => pickPictures(editor, step.id)),
  ];
}
