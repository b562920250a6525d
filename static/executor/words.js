// Every word the page says, from the catalogue the server put into it (templates/executor/words/).

const catalogue = JSON.parse(document.getElementById("words").textContent);
export const lang = document.documentElement.lang || "en";

/** How numbers and dates are written: as the person's own region does, where it speaks the page's language. */
export const locale = navigator.languages?.find((one) => one.split("-")[0] === lang.split("-")[0]) ?? lang;
const plural = new Intl.PluralRules(lang);

/** The words for `key`, with {name} filled in; where the catalogue has forms, `n` chooses the right one. */
export function t(key, values = {}) {
  const entry = catalogue[key];
  if (entry === undefined) return key;
  const text = typeof entry === "string" ? entry : entry[plural.select(values.n)] ?? entry.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? showCount(values[name]) : String(values[name] ?? "")));
}

function showCount(n) {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 20 }).format(n);
}

export function showTime(utc) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(utc));
}

export function showDate(day) {
  // A plain day has no zone: formatted as UTC it stays the day that was chosen.
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
}

/** What a problem says to the person: the server's sentences, or ours where it gave none. */
export function explain(problem) {
  if (problem.word) return t(problem.word);
  if (problem.code === "wrong_receipt") return t("wrong_receipt");
  const places = problem.members?.errors;
  const said = places?.length ? places.map((place) => place.detail).join(" ") : problem.members?.detail;
  return said ? t("refused", { detail: said }) : t("refused_silently", { code: problem.code || problem.status });
}
