// Values in the wire's form: normalised text, parsed numbers, dates; and their validation. The server's side is in
// rundun/core/text.py and rundun/core/runs/answer.py. Pure: no DOM, no state.

export const MAX_NUMBER = Number.MAX_SAFE_INTEGER;
export const MAX_BARCODE = 8000;   // a QR code holds at most 7,089 digits
export const MAX_TEXT = 2000;      // unless the template sets max_length

// Unicode White_Space and U+FEFF. `\s` lacks U+0085; the server trims the same list.
const WHITE = "\\u0009-\\u000D\\u0020\\u0085\\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000\\uFEFF";
const EDGES = new RegExp(`^[${WHITE}]+|[${WHITE}]+$`, "g");
const ALL_WHITE = new RegExp(`[${WHITE}]`, "g");
const SURROGATES = /[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uD800-\uDFFF]/g;

/** → text in NFC, trimmed, with unpaired surrogates (which UTF-8 cannot carry) replaced by U+FFFD. */
export function tidy(text) {
  const whole = String(text).replace(SURROGATES, (found) => (found.length === 2 ? found : "\uFFFD"));
  return whole.normalize("NFC").replace(EDGES, "");
}

/** → normalised text in capital letters, by Unicode's full mapping, which is the same in every language. */
export function capitals(text) {
  return tidy(tidy(text).toUpperCase());
}

/** → the length in code points, as the server counts it. */
export function length(text) {
  let n = 0;
  for (const _ of text) n += 1;
  return n;
}

// Marks that only steer the direction of writing; Intl puts one before a minus in Arabic.
const INVISIBLE = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;
const MINUS = /[\u2010\u2012\u2013\u2212\uFE63\uFF0D]/g;
const ZEROS = [0x660, 0x6F0, 0x966, 0x9E6, 0xFF10]; // Arabic-Indic, Persian and Urdu, Devanagari, Bengali, full width

/**
 * → the number in typed text, or null. Takes the digits of ZEROS, a comma or a point as decimal mark, and groups of
 * thousands or of an Indian lakh. Where both marks occur, the last is the decimal mark. A single mark before three
 * digits is ambiguous ("1.234"): it groups, unless it is `mark`, the locale's own decimal mark.
 */
export function parseNumber(typed, mark = null) {
  const text = String(typed).replace(ALL_WHITE, "").replace(INVISIBLE, "").replace(/['’]/g, "").replace(MINUS, "-")
    .replace(/\p{Nd}/gu, (digit) => {
      const zero = ZEROS.find((one) => digit.codePointAt(0) >= one && digit.codePointAt(0) < one + 10);
      return zero ? digit.codePointAt(0) - zero : digit;
    }).replace(/،/g, ",");
  const decimal = decimalMarkOf(text, mark);
  const at = decimal ? text.lastIndexOf(decimal) : text.length;
  let whole = text.slice(0, at);
  const group = /[.,٬]/.exec(whole)?.[0];
  if (group) {
    if (!new RegExp(`^[+-]?\\d{1,3}([${group}]\\d{2,3})*[${group}]\\d{3}$`).test(whole)) return null;
    whole = whole.replaceAll(group, "");
  }
  const plain = decimal ? `${whole}.${text.slice(at + 1)}` : whole;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain)) return null;
  const number = Number(plain);
  if (!Number.isFinite(number) || Math.abs(number) > MAX_NUMBER) return null;
  return number === 0 ? 0 : number; // never -0
}

/** → the decimal mark in a typed number, or null when it has none. */
function decimalMarkOf(text, mark) {
  if (text.includes("٫")) return "٫";
  const [comma, point] = [text.lastIndexOf(","), text.lastIndexOf(".")];
  if (comma < 0 && point < 0) return null;
  const last = comma > point ? "," : ".";
  if (comma >= 0 && point >= 0) return last;
  if (text.indexOf(last) !== text.lastIndexOf(last)) return null;
  const couldGroup = /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(text);
  return couldGroup && mark && mark !== last ? null : last;
}

/** → a locale's decimal mark in numbers written by `showNumber`. */
export function decimalMark(locale) {
  const parts = new Intl.NumberFormat(locale, { numberingSystem: "latn" }).formatToParts(1.5);
  return parts.find(({ type }) => type === "decimal").value;
}

/** → the number of decimals in a number's shortest form: 1.50 → 1, 1e-7 → 7. */
export function decimalsOf(number) {
  const [mantissa, exponent = "0"] = String(number).split("e");
  const written = (mantissa.split(".")[1] ?? "").length;
  return Math.max(0, written - Number(exponent));
}

/** → a number in a language's form, without grouping, so that it can be edited and parsed again. */
export function showNumber(number, lang) {
  const options = { useGrouping: false, maximumFractionDigits: 20, numberingSystem: "latn" };
  return new Intl.NumberFormat(lang, options).format(number);
}

/** → the value of an `<input type="datetime-local">` in the wire's form, UTC in whole seconds; null for no time. */
export function localToUtc(local) {
  const moment = new Date(local);
  return Number.isNaN(moment.getTime()) ? null : `${moment.toISOString().slice(0, 19)}Z`;
}

/** → a time of the wire for an `<input type="datetime-local">`; "" for no time. */
export function utcToLocal(utc) {
  const moment = new Date(utc);
  if (Number.isNaN(moment.getTime())) return "";
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60000);
  return shifted.toISOString().slice(0, 16);
}

/** → [key, values] of the message (dom.js, `t`) about an invalid value; null for a valid one. */
export function complaint(step, value) {
  const config = step.config ?? {};
  switch (step.type) {
    case "text": {
      const max = config.max_length ?? MAX_TEXT;
      if (value === "") return ["wrong_empty", {}];
      return length(value) > max ? ["wrong_long", { n: max }] : null;
    }
    case "barcode":
      if (value === "") return ["wrong_empty", {}];
      return length(value) > MAX_BARCODE ? ["wrong_long", { n: MAX_BARCODE }] : null;
    case "number":
      if (value === null) return ["wrong_number", {}];
      if (config.min != null && value < config.min) return ["wrong_min", { n: config.min }];
      if (config.max != null && value > config.max) return ["wrong_max", { n: config.max }];
      if (config.decimals != null && decimalsOf(value) > config.decimals) {
        return config.decimals === 0 ? ["wrong_whole", {}] : ["wrong_decimals", { n: config.decimals }];
      }
      return null;
    case "multi_choice": {
      const [min, max] = choiceLimits(step);
      if (value.length < min) return ["wrong_few", { n: min }];
      return value.length > max ? ["wrong_many", { n: max }] : null;
    }
    case "datetime": return value ? null : ["wrong_date", {}];
    default: return null;
  }
}

/** → [min, max]: the numbers of options that a multi_choice step takes. With 0, "none of these" is an answer. */
export function choiceLimits(step) {
  const config = step.config ?? {};
  return [config.min_selected ?? 0, config.max_selected ?? (config.options ?? []).length];
}
