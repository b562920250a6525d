// The menu of types: opened by "/" in an empty row or by the row's button, filtered by typing.

import { h, t } from "../../../executor/dom.js";

/** Lets the person choose one of `choices`, [[value, words]]. → {value, text}: the value, null if the menu was closed
 *  or no choice is called as the typed text, which comes, too. */
export function chooseType(anchor, choices, current) {
  return new Promise((resolve) => {
    const field = h("input", {
      role: "combobox", "aria-expanded": "true", "aria-controls": "types", "aria-label": t("choose_type"),
      placeholder: t("choose_type"), autocomplete: "off", dir: "auto",
    });
    const list = h("ul", { id: "types", role: "listbox", "aria-label": t("choose_type") });
    const none = h("p", { class: "soft small", role: "status", hidden: true }, t("no_type"));
    const menu = h("div", { class: "types", popover: "auto" }, field, list, none);
    const close = (value) => {
      const text = value === null && !list.childElementCount ? field.value : "";
      if (value === null && !text) return menu.hidePopover();   // gives the focus back
      menu.remove();
      resolve({ value, text });
    };
    const show = () => {
      const words = field.value.trim().toLocaleLowerCase();
      const shown = choices.filter(([value, name]) => `${name} ${value}`.toLocaleLowerCase().includes(words));
      list.replaceChildren(...shown.map(([value, name], index) => h("li", {
        id: `type-${value}`, role: "option", "data-value": value, on: { click: () => close(value) },
        "aria-selected": String(words ? index === 0 : value === current || (!current && index === 0)),
      }, name)));
      mark(selected() ?? list.firstElementChild);
      none.hidden = shown.length > 0;
    };
    const selected = () => list.querySelector("[aria-selected=true]");
    const mark = (option) => {
      selected()?.setAttribute("aria-selected", "false");
      option?.setAttribute("aria-selected", "true");
      option?.scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", option?.id ?? "");
    };
    field.addEventListener("input", show);
    field.addEventListener("keydown", (event) => {
      const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      if (step) mark(selected()?.[step] ?? selected());
      else if (["Enter", "Tab"].includes(event.key) && !event.isComposing) close(selected()?.dataset.value ?? null);
      else if (event.key === "Backspace" && field.value === "") close(null);
      else return;
      event.preventDefault();
    });
    menu.addEventListener("toggle", ({ newState }) => {
      if (newState !== "closed") return;   // by Escape, or a click elsewhere
      menu.remove();
      resolve({ value: null, text: list.childElementCount ? "" : field.value });
    });
    anchor.after(menu);
    menu.showPopover();
    show();
    const box = anchor.getBoundingClientRect();
    const top = Math.min(box.bottom + 4, innerHeight - menu.offsetHeight - 8);
    const left = Math.min(Math.max(8, box.left), innerWidth - menu.offsetWidth - 8);
    Object.assign(menu.style, { top: `${Math.max(8, top)}px`, left: `${left}px` });
    field.focus();
  });
}
