// Dialogs that come up from the bottom of the screen. Loaded when the first of them opens, or ahead.

import { h, icon, makeButton, setText, t } from "./dom.js";

let openSheets = 0;

/**
 * Opens a dialog. `title`: words, or an element; `build(close)` returns its content; `close(result)` closes it;
 * `onOpen()` is called once it is open.
 * → a promise of the result, null when the person cancels.
 */
export function openDialog(title, build, { wide = false, onOpen = null } = {}) {
  return new Promise((resolve) => {
    let result = null;
    const titleId = `sheet-${(openSheets += 1)}`;
    const dialog = h("dialog", { class: wide ? "sheet wide" : "sheet", "aria-labelledby": titleId });
    const close = (value = null) => {
      result = value;
      dialog.close();
    };
    const closeButton = makeButton("quiet round", () => close(), icon("cross"));
    closeButton.setAttribute("aria-label", t("close"));
    dialog.append(
      h("div", { class: "sheet-head" },
        h("h2", { id: titleId, dir: "auto" }, title),
        closeButton),
      h("div", { class: "sheet-body" }, build(close)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) close(); // the backdrop
    });
    document.body.append(dialog);
    dialog.showModal();
    onOpen?.();
  });
}

/** Opens a dialog that asks for a reason. → a promise of the reason, null when the person cancels. */
export function askReason(title, explanation, label, confirm, dangerous = false) {
  return openDialog(title, (close) => {
    const field = h("textarea", {
      id: "reason", rows: "3", dir: "auto", maxlength: "1000", autofocus: true, "aria-describedby": "reason-wrong",
    });
    const wrong = h("p", { class: "wrong", id: "reason-wrong", role: "alert" });
    const done = () => {
      const reason = field.value.trim();
      if (reason) close(reason);
      else {
        setText(wrong, t("reason_needed"));
        field.focus();
      }
    };
    return [
      h("p", { class: "soft", dir: "auto" }, explanation),
      h("label", { for: "reason" }, label), field, wrong,
      h("div", { class: "pair" },
        makeButton("button", () => close(), t("back")),
        makeButton(dangerous ? "button danger" : "button primary", done, confirm)),
    ];
  });
}
