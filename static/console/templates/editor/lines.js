// Pasted lines of text, or columns of a spreadsheet, read as rows of a checklist. Pure: no DOM, no state.
//
// A line is {type, label, options}: the type of a step, "task" for one that is done or not done, or "section".
// `words`: the language's {types: {type: name}, yes, no, done, not_done}.

const MARK = /^\s*(?:[-–—*•·●○▪▫◦‣⁃■□☐☑☒✓✔✗]|\[[ xX]?\]|\d{1,3}[.)])(?:\s+|$)/;   // of a line in a list
const NAMED_OPTIONS = /^(.+?)(?:\s*[:：]\s*|(?<=[?？؟])\s+|\s+[-–—]\s+)(.+\s\/\s.+)$/;   // "Fuel: Full / Half / Empty"
export const DIVIDER = /\s+\/\s+/;   // between options
const CELL_DIVIDER = /\s*[\n;/|,،]\s*/;   // between options in cells of a spreadsheet
const CELL = /([\t\n])(?:"((?:[^"]|"")*)"(?=[\t\n]|$)|([^\t\n]*))/g;   // in quotes if it has line ends

/** → the lines that a text has, without those that are empty. */
export function readLines(text, words) {
  return rowsOf(text).map((cells) => readCells(cells, words)).filter(({ label }) => label);
}

/** → the options that a text has, one in a line or cell. */
export function optionsIn(text) {
  return rowsOf(text).flat().map((cell) => cell.replace(MARK, "").trim()).filter(Boolean);
}

function rowsOf(text) {
  const rows = [];
  for (const [, before, quoted, plain] of `\n${text.replace(/\r\n?/g, "\n")}`.matchAll(CELL)) {
    if (before === "\n") rows.push([]);
    rows.at(-1).push((quoted?.replaceAll('""', '"') ?? plain).trim());
  }
  return rows;
}

function readCells(cells, words) {
  const [first, ...others] = cells;
  const isNumber = others.length > 0 && /^\d+$/.test(first);   // a column of numbers
  const label = isNumber ? "" : first.replace(MARK, "").trim();
  if (!label) return others.length ? readCells(others, words) : line("task", label);
  return others.some(Boolean) ? readColumns(label, others, words) : readLine(label, words);
}

function readColumns(label, cells, words) {
  const [kind, ...others] = cells;
  const type = typeOf(kind, words);
  const options = (type ? others : cells).flatMap((cell) => cell.split(CELL_DIVIDER)).filter(Boolean);
  if (type) return line(type, label, options);
  return options.length > 1 ? choiceOf(label, options, words) : readLine(label, words);
}

function typeOf(cell, { types }) {
  const isNamed = (name) => name.toLocaleLowerCase() === cell.toLocaleLowerCase();
  return Object.keys(types).find((type) => isNamed(type) || isNamed(types[type]));
}

function readLine(label, words) {
  if (/^#+\s*\S/.test(label)) return line("section", label.replace(/^#+\s*/, ""));
  if (/\S\s*[:：]$/.test(label)) return line("section", label.slice(0, -1).trim());
  const isPhoto = [words.types.photo, "photo"].some((word) => startsWith(label, word));
  const [, name = label, listed = label] = NAMED_OPTIONS.exec(label) ?? [];
  const options = listed.split(DIVIDER);
  if (options.length > 1) return isPhoto ? line("photo", name, options) : choiceOf(name, options, words);
  if (/[?？؟]$/.test(label)) return line("boolean", label);
  return line(isPhoto ? "photo" : "task", label);
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

/** → the row of a line, {part, isHeading}. The options of a photo are its shots; an instruction's are its text. */
export function rowOf({ type, label, options }, makeId, words) {
  if (type === "section") return { part: { id: makeId("g-"), title: label, steps: [] }, isHeading: true };
  const config = configOf(type, options, makeId, words);
  const step = { id: makeId("s-"), type: type === "task" ? "boolean" : type, label };
  return { part: config ? { ...step, config } : step, isHeading: false };
}

function configOf(type, options, makeId, words) {
  const parts = (prefix, labels = options) => labels.map((one) => ({ id: makeId(prefix), label: one }));
  switch (type) {
    case "task": return { true_label: words.done, false_label: words.not_done };
    case "choice": case "multi_choice": return { options: parts("o-", options.length ? options : [""]) };
    case "photo": return options.length ? { slots: parts("p-") } : undefined;
    case "instruction": return { body: options.join(" / ") };
    default: return undefined;
  }
}
