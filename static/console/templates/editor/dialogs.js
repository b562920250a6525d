// The editor's dialogs: a question, and pasted lines, which are shown before they are taken.

import { h, makeButton, t } from "../../../executor/dom.js";
import { choice, signButton } from "./controls.js";
import { DIVIDER, readLines } from "./lines.js";
import { TYPES } from "./operations.js";

/** Shows a dialog with a title and content, and a button with the words `accept`. → whether the person pressed it. */
function ask(title, content, accept, className = "primary") {
  return new Promise((resolve) => {
    const autofocus = className === "primary";
    const yes = h("button", { class: className, name: "yes", value: "yes", autofocus }, accept);
    const form = h("form", { method: "dialog" }, h("h2", { id: "asked" }, title), ...content,
      h("div", { class: "row" }, makeButton("", () => dialog.close(), t("cancel")), yes));
    const dialog = h("dialog", { "aria-labelledby": "asked" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Asks whether to go on with a change that breaks the conditions of steps with these labels. */
export function askAboutBroken(labels) {
  const list = h("ul", {}, ...labels.map((label) => h("li", {}, h("bdi", {}, label))));
  return ask(t("breaks"), [list], t("do_it"), "danger");
}

/** → the words by which lines are read (`readLines`), in the page's language. */
export function lineWords() {
  const types = Object.fromEntries([...TYPES, "task", "section"].map((type) => [type, t(`type_${type}`)]));
  const modes = Object.fromEntries(["date", "datetime"].map((mode) => [mode, t(`value_mode_${mode}`)]));
  const [done, notDone] = types.task.split(DIVIDER);
  return { types, modes, yes: t("yes"), no: t("no"), done, not_done: notDone };
}

/** Asks for lines of text. → the text, "" if the dialog was closed. */
export async function askForText() {
  const field = h("textarea", { class: "long", dir: "auto", rows: "8", autofocus: true, "aria-labelledby": "asked" });
  field.addEventListener("paste", () => setTimeout(() => field.form?.elements.yes.click()));
  const isGiven = await ask(t("paste_here"), [h("p", { class: "soft small" }, t("paste_help")), field], t("join"));
  return isGiven ? field.value : "";
}

/** Shows what the lines of a text become, to be changed and taken. → the lines, at most `most`; [] if the dialog was
 *  closed. */
export async function askForLines(text, most) {
  const all = readLines(text, lineWords());
  const lines = new Set(all.slice(0, most));
  if (!all.length) return [];
  const list = h("ol", { class: "pasted" }, ...[...lines].map((line) => lineView(line, () => lines.delete(line))));
  const cut = all.length > most && h("p", { class: "notice warn" }, t("paste_cut", { n: most, all: all.length }));
  return await ask(t("paste_read"), [cut, list], t("paste_take")) ? [...lines] : [];
}

/** → a line's text, type and options, each of which can be changed. `drop` is called when it is deleted. */
function lineView(line, drop) {
  const { types } = lineWords();
  const field = (value, name, set) => {
    const input = h("input", { dir: "auto", value, placeholder: name, "aria-label": name, autocomplete: "off" });
    input.addEventListener("input", () => set(input.value));
    return input;
  };
  const label = field(line.label, t("step_label"), (text) => (line.label = text));
  const options = field(line.options.join(" / "), "", (text) => {
    line.options = text.split(DIVIDER).map((one) => one.trim()).filter(Boolean);
  });
  const show = () => {
    view.className = line.type === "section" ? "heading" : "step";
    const isOfOptions = ["choice", "multi_choice", "photo"].includes(line.type);
    options.placeholder = options.ariaLabel = t(isOfOptions ? "paste_options" : "field_hint");
    options.hidden = !line.options.length && (!isOfOptions || line.type === "photo");
  };
  const type = choice(Object.entries(types), line.type, (chosen) => {
    Object.assign(line, { type: chosen, mode: undefined });
    show();
  }, { name: t("choose_type") });
  const remove = signButton("✕", t("delete"), () => {
    drop();
    view.remove();
  });
  const view = h("li", {}, label, type, remove, options);
  show();
  return view;
}
