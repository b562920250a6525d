// The places that two people changed differently, with the choice between the two.

import { h, makeButton, t } from "../../../executor/dom.js";
import { choice } from "./controls.js";
import { isSame } from "./merge.js";
import { partOf } from "./template.js";

/** → a list of clashes with a choice each; `choose` gets the choices, {place: "mine" | "theirs"}. */
export function clashList(editor, clashes, choose) {
  const choices = Object.fromEntries(clashes.map(({ place }) => [place, "mine"]));
  const item = ({ place, mine, theirs }) => {
    const name = placeName(editor, place, mine ?? theirs);
    const options = [["mine", t("take_mine")], ["theirs", t("take_theirs")]];
    const select = choice(options, "mine", (chosen) => (choices[place] = chosen), { name });
    return h("li", {}, h("b", {}, name), select, h("ul", { class: "small" }, ...differences(mine, theirs)));
  };
  return h("div", {}, h("ol", {}, ...clashes.map(item)), makeButton("primary", () => choose(choices), t("join")));
}

function placeName(editor, place, value) {
  const [kind, ...rest] = place.split(" ");
  if (kind === "order") return t("place_order");
  if (kind === "member") return fieldName(rest.at(-1));
  if (kind === "translation") return `${rest[0]}: ${partOf(editor.template, rest[1] ?? "")?.label ?? ""}`;
  return t("quoted", { text: value?.label || value?.title || t("no_text") });
}

/** → what differs, member by member; a part that one of the two deleted is said to be deleted. */
function differences(mine, theirs) {
  const isPart = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const line = (word, value) => h("li", {}, `${word}: `, h("bdi", {}, asText(value)));
  const both = (one, other) => [line(t("take_mine"), one), line(t("take_theirs"), other)];
  if (!isPart(mine) || !isPart(theirs)) return both(mine, theirs);
  const [one, other] = [mine, theirs].map(({ config, ...members }) => ({ ...members, ...config }));
  const names = Object.keys({ ...one, ...other }).filter((name) => !isSame(one[name], other[name]));
  return names.map((name) => h("li", {}, fieldName(name), h("ul", {}, ...both(one[name], other[name]))));
}

/** → the name of a member in words, its own if it has none. */
function fieldName(name) {
  const words = t(`field_${name}`);
  return words === `field_${name}` ? name : words;
}

function asText(value) {
  if (Array.isArray(value)) return value.map(asText).join(", ");
  if (value === undefined) return t("deleted");
  if (typeof value === "string") return value;
  return value?.label ?? value?.title ?? JSON.stringify(value);
}
