// Values as the wire wants them: normalised text, parsed numbers, and what is wrong with a value. Pure.

export const MAX_NUMBER = Number.MAX_SAFE_INTEGER;
const LONGEST_BARCODE = 8000; // a QR code holds at most 7,089 digits

// Unicode White_Space and U+FEFF. Not `\s`, which knows U+FEFF but not U+0085; the server trims this same list.
const WHITE = "\\u0009-\\u000D\\u0020\\u0085\\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000\\uFEFF";
const EDGES = new RegExp(`^[${WHITE}]+|[${WHITE}]+$`, "g");
const ALL_WHITE = new RegExp(`[${WHITE}]`, "g");
const SURROGATES = /[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uD800-\uDFFF]/g;

/** NFC, trimmed, and without halves of surrogate pairs (which UTF-8 cannot carry). */
export function tidy(text) {
  const whole = String(text).replace(SURROGATES, (found) => (found.length === 2 ? found : "\uFFFD"));
  return whole.normalize("NFC").replace(EDGES, "");
}

/** Length in code points, as the server counts it. */
export function length(text) {
  let n = 0;
  for (const _ of text) n += 1;
  return n;
}

/**
 * The number a person typed, or null. A comma or a point may be the decimal mark; where both occur the last
 * one is it and the other groups thousands. Spaces and apostrophes group as well.
 */
export function parseNumber(typed) {
  let text = String(typed).replace(ALL_WHITE, "").replace(/['’]/g, "").replace(/[−–]/g, "-");
  text = text.replace(/[٠-٩]/g, (d) => d.charCodeAt(0) - 0x660).replace(/[۰-۹]/g, (d) => d.charCodeAt(0) - 0x6f0);
  text = text.replace(/٫/g, ",").replace(/٬/g, "");
  const comma = text.lastIndexOf(",");
  const point = text.lastIndexOf(".");
  if (comma >= 0 && point >= 0) {
    const [mark, group] = comma > point ? [",", "\\."] : [".", ","];
    if (!new RegExp(`^[+-]?\\d{1,3}(${group}\\d{3})+\\${mark}\\d*$`).test(text)) return null;
    text = text.replace(new RegExp(group, "g"), "");
  }
  text = text.replace(",", ".");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text)) return null;
  const number = Number(text);
  if (!Number.isFinite(number) || Math.abs(number) > MAX_NUMBER) return null;
  return number === 0 ? 0 : number; // never -0
}

/** How many decimals the shortest writing of a number needs: 1.50 → 1, 1e-7 → 7. */
export function decimalsOf(number) {
  const [mantissa, exponent = "0"] = String(number).split("e");
  const written = (mantissa.split(".")[1] ?? "").length;
  return Math.max(0, written - Number(exponent));
}

/** A number as a person of that language writes it; never grouped, so that it can be edited and parsed again. */
export function showNumber(number, lang) {
  return new Intl.NumberFormat(lang, { useGrouping: false, maximumFractionDigits: 20, numberingSystem: "latn" }).format(number);
}

/** `<input type="datetime-local">` gives local time without a zone; the wire wants UTC in whole seconds. */
export function localToUtc(local) {
  const moment = new Date(local);
  return Number.isNaN(moment.getTime()) ? null : `${moment.toISOString().slice(0, 19)}Z`;
}

export function utcToLocal(utc) {
  const moment = new Date(utc);
  if (Number.isNaN(moment.getTime())) return "";
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60000);
  return shifted.toISOString().slice(0, 16);
}

/** What is wrong with a value for its step: null, or [word, parameters] to be said to the person. */
export function complaint(step, value) {
  const config = step.config ?? {};
  switch (step.type) {
    case "text": {
      const most = config.max_length ?? 2000;
      if (value === "") return ["wrong_empty", {}];
      return length(value) > most ? ["wrong_long", { n: most }] : null;
    }
    case "barcode":
      if (value === "") return ["wrong_empty", {}];
      return length(value) > LONGEST_BARCODE ? ["wrong_long", { n: LONGEST_BARCODE }] : null;
    case "number":
      if (value === null) return ["wrong_number", {}];
      if (config.min != null && value < config.min) return ["wrong_min", { n: config.min }];
      if (config.max != null && value > config.max) return ["wrong_max", { n: config.max }];
      if (config.decimals != null && decimalsOf(value) > config.decimals) {
        return config.decimals === 0 ? ["wrong_whole", {}] : ["wrong_decimals", { n: config.decimals }];
      }
      return null;
    case "multi_choice": {
      const [least, most] = selectable(step);
      if (value.length < least) return ["wrong_few", { n: least }];
      return value.length > most ? ["wrong_many", { n: most }] : null;
    }
    case "datetime": return value ? null : ["wrong_date", {}];
    default: return null;
  }
}

/** [least, most] options a multi_choice step takes; with a least of 0, "none of these" is an answer too. */
export function selectable(step) {
  const config = step.config ?? {};
  return [config.min_selected ?? 0, config.max_selected ?? (config.options ?? []).length];
}

/** A UUIDv4, also where the page came over plain http and crypto.randomUUID is missing. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Now, as the wire writes it. */
export function nowUtc() {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
