// The rules that page and server share. One set of cases tests both sides (tests/cases).
// The server sends the modules as one (rundun/web/pages/static.py), so they import nothing from each other.

export * from "./rules/checklist.js";
export * from "./rules/values.js";
export * from "./rules/answers.js";
export * from "./rules/clock.js";
export * from "./rules/marks.js";
