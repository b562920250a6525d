// A template's JSON text.

import { hasRepeatedMembers, isShowable } from "./showable.js";
import { withIds } from "./template.js";

/** → the template that a JSON text holds, with ids; null if it can't be shown as rows. */
export function readTemplate(text, makeId) {
  try {
    const value = JSON.parse(text);
    const template = withIds(value, makeId);
    return isShowable(template) && !hasRepeatedMembers(text, value) ? template : null;
  } catch {
    return null;
  }
}

/** → a template's JSON text, as the server indents it. */
export function textOf(template) {
  return `${JSON.stringify(template, null, 2)}\n`;
}
