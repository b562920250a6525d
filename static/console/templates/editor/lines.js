// Pasted lines of text, or columns of a spreadsheet, read as rows of a checklist. Pure: no DOM, no state.
//
// A line is {type, label, options}: the type of a step, "task" for one that is done or not done, or "section"; of a
// datetime step, `mode` if it is said. `words`: the language's {types: {type: name}, modes: {mode: name}, yes, no,
// done, not_done}.

import { MAX_LIST, MAX_OPTIONS } from "./showable.js";

// Marks of a line in a list: bullets, boxes, "1." and "(a)".
const MARK = /^\s*(?:[-–—*•·●○◯▪▫◦‣⁃■□☐☑☒✓✔✗]|\[[ xX]?\]|\(?(?:\d{1,3}[.)]|[a-zA-Z]\)))(?:\s+|$)/;
const NUMBER = /^(\d+)\s+/;   // of a line in a list without marks
const KIND = /^(.+?)\s*[(（]([^()（）,:;]+)(?:[,:;]\s*([^()（）]*))?[)）]$/;   // "Mileage (number, at least 4)"
const BOX = /^\[[ xX]?\]\s+/;   // behind a bullet
const NAMED_OPTIONS = /^(.+?)(?:\s*(?::\s+|：\s*)|(?<=[?？؟])\s+|\s+[-–—]\s+)(.+\s\/\s.+)$/;   // "Fuel: Full / Empty"
const BRACKETED = /^([^()（）]+?)\s*[(（]([^()（）]+\s\/\s[^()（）]+)[)）]$/;   // "Lights (front / rear)"
const MAX_LABEL = 1000;   // characters: a longer line is no more than a text
const MOST = { choice: MAX_OPTIONS, multi_choice: MAX_OPTIONS, photo: MAX_LIST };   // options
export const DIVIDER = /\s+\/\s+/;   // between options
const CELL_DIVIDERS = ["\n", ";", "|", " / ", ",", "،", "/"];   // between options in a cell, strongest first
const CELL = /([\t\n])(?:"((?:[^"]|"")*)"(?=[\t\n]|$)|([^\t\n]*))/g;   // in quotes if it has line ends

/** → the lines that a text has, without those that are empty. */
export function readLines(text, words) {
  return withoutNumbers(rowsOf(text)).map((cells) => readCells(cells, words)).filter(({ label }) => label);
}

/** → the options that a text has, one in a line or cell. */
export function optionsIn(text) {
  return rowsOf(text).flat().map(withoutMark).filter(Boolean);
}

/** → the rows of a text, each as its cells; without empty rows. */
function rowsOf(text) {
  const rows = [];
  for (const [, before, quoted, plain] of `\n${text.replace(/\r\n?/g, "\n")}`.matchAll(CELL)) {
    if (before === "\n") rows.push([]);
    rows.at(-1).push((quoted?.replaceAll('""', '"') ?? plain).trim());
  }
  return rows.filter((cells) => cells.some(Boolean));
}

/** → the rows without their numbers if most are numbered, from 1. */
function withoutNumbers(rows) {
  const numbers = rows.map(([first]) => NUMBER.exec(first)?.[1]).filter(Boolean);
  const isInOrder = numbers.every((number, index) => Number(number) === index + 1);
  const isNumbered = isInOrder && numbers.length > Math.max(1, rows.length / 2);
  return isNumbered ? rows.map(([first, ...others]) => [first.replace(NUMBER, ""), ...others]) : rows;
}

function withoutMark(text) {
  return text.replace(MARK, "").replace(BOX, "").trim();
}

function readCells(cells, words) {
  const [first, ...others] = cells;
  const isNumber = others.length > 0 && /^\d+$/.test(first);   // a column of numbers
  const label = isNumber ? "" : withoutMark(first).split("\n").map((part) => part.trim()).filter(Boolean).join(" ");
  if (!label) return others.length ? readCells(others, words) : line("task", label);
  return others.some(Boolean) ? readColumns(label, others, words) : readLine(label, words);
}

function readColumns(label, cells, words) {
  const [kind, ...others] = cells;
  const found = kindOf(kind, words);
  if (found) {
    const options = found.type in MOST ? others.flatMap(optionsInCell) : others;
    return { ...line(found.type, label, options.filter(Boolean)), ...found };
  }
  if (optionsInCell(kind).length > 1) return choiceOf(label, cells.flatMap(optionsInCell), words);
  const read = readLine(label, words);
  return { ...read, options: [...read.options, ...cells.filter(Boolean)] };
}

function optionsInCell(cell) {
  const divider = CELL_DIVIDERS.find((one) => cell.includes(one)) ?? "\n";
  return cell.split(divider).map((option) => option.trim()).filter(Boolean);
}

/** → {type} or {type, mode}: the kind of answer that a text names, by the words of its name, of which one may be
 *  missing, as in “yes/no”; null for no kind. */
function kindOf(text, { types, modes }) {
  const named = (names, make) => Object.entries(names).flatMap(([id, name]) => [[id, make(id)], [name, make(id)]]);
  const said = wordsOf(text.slice(0, MAX_LABEL));
  if (!said.length) return null;
  const isExact = ([name]) => wordsOf(name).join(" ") === said.join(" ");
  const isPart = ([name]) => said.every((word) => wordsOf(name).includes(word))
    && wordsOf(name).length === said.length + 1 && said.some((word) => word.length > 2);
  const all = [...named(types, (type) => ({ type })), ...named(modes, (mode) => ({ type: "datetime", mode }))];
  return (all.find(isExact) ?? all.find(isPart))?.[1] ?? null;
}

/** → the different words of a text, a plural like its singular. */
function wordsOf(text) {
  const words = text.toLocaleLowerCase().match(/[\p{L}\p{M}\d_]+/gu) ?? [];
  return [...new Set(words.map((word) => word.replace(/(?<=...)s$/, "")))];
}

function readLine(label, words) {
  if (label.length > MAX_LABEL) return line("task", label);
  if (/^#+\s*\S/.test(label)) return line("section", label.replace(/^#+\s*/, ""));
  if (/\S\s*[:：]$/.test(label)) return line("section", label.slice(0, -1).trim());
  const [, named, kind, more = ""] = KIND.exec(label) ?? [];
  const found = kind ? kindOf(kind, words) : null;
  if (found) {
    const options = found.type in MOST ? optionsInCell(more) : [more].filter(Boolean);
    return { ...line(found.type, named, options), ...found };
  }
  const { photo, signature } = words.types;
  const [, bracketed = null, inside] = BRACKETED.exec(label) ?? [];
  const isPhoto = startsWith(label, photo) || startsWith(label, "photo");
  const [, name = label, listed = label] = bracketed ? [label, bracketed, inside] : NAMED_OPTIONS.exec(label) ?? [];
  const options = listed.split(DIVIDER);
  if (options.length > 1) return isPhoto ? line("photo", name, options) : choiceOf(name, options, words);
  if (/[?？؟]$/.test(label)) return line("boolean", label);
  return line(isPhoto ? "photo" : startsWith(label, signature) ? "signature" : "task", label);
}

/** → whether a text begins with a word, or its plural with an "s". */
function startsWith(text, word) {
  const start = text.slice(0, word.length);
  return start.toLocaleLowerCase() === word.toLocaleLowerCase() && /^s?(?!\p{L})/iu.test(text.slice(word.length));
}

function choiceOf(label, options, words) {
  const isOf = (...names) => options.join("\n").toLocaleLowerCase() === names.join("\n").toLocaleLowerCase();
  if (isOf(words.yes, words.no)) return line("boolean", label);
  return isOf(words.done, words.not_done) ? line("task", label) : line("choice", label, options);
}

function line(type, label, options = []) {
  return { type, label, options };
}

/** → the row of a line, {part, isHeading}. Options are shots of a photo, the text of an instruction, the description
 *  of a section, and the hint of other steps, as are those that are too many. */
export function rowOf({ type, label, options: all, mode }, makeId, words) {
  const options = all.slice(0, MOST[type] ?? 0);
  const text = all.slice(options.length).join(" / ");
  if (type === "section") {
    const description = text ? { description: text } : {};
    return { part: { id: makeId("g-"), title: label, ...description, steps: [] }, isHeading: true };
  }
  const step = { id: makeId("s-"), type: type === "task" ? "boolean" : type, label };
  const parts = (prefix, labels) => labels.map((one) => ({ id: makeId(prefix), label: one }));
  const hint = text ? { hint: text } : {};
  switch (type) {
    case "choice": case "multi_choice":
      return stepRow({ ...step, ...hint, config: { options: parts("o-", options.length ? options : [""]) } });
    case "photo": {
      const slots = options.length ? { config: { slots: parts("p-", options) } } : {};
      return stepRow({ ...step, ...hint, ...slots });
    }
    case "instruction": return stepRow({ ...step, config: { body: text } });
    case "task":
      return stepRow({ ...step, ...hint, config: { true_label: words.done, false_label: words.not_done } });
    case "datetime": return stepRow({ ...step, ...hint, ...(mode ? { config: { mode } } : {}) });
    default: return stepRow({ ...step, ...hint });
  }
}

function stepRow(part) {
  return { part, isHeading: false };
}
