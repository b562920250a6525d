// Every word the page says, in the one language the server put into it (rundun/locales/).

const { "": about, ...catalogue } = JSON.parse(document.getElementById("words").textContent);
export const lang = document.documentElement.lang;

/** The language of the template's own texts, as a BCP 47 tag; `languages` there are to choose from: [[tag, name]]. */
export const { texts, languages } = about;

/** How numbers and dates are written: as the person's own region does, where it speaks the page's language. */
export const locale = navigator.languages?.find((one) => one.split("-")[0] === lang.split("-")[0]) ?? lang;
const plural = new Intl.PluralRules(lang);
const isRightToLeft = document.documentElement.dir === "rtl";
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFD\uFE70-\uFEFC]/;

/** The words for `key`, with {name} filled in; where the catalogue has forms, `n` chooses the right one. */
export function t(key, values = {}) {
  const entry = catalogue[key];
  if (entry === undefined) return key;
  const text = typeof entry === "string" ? entry : entry[plural.select(values.n)] ?? entry.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? showCount(values[name]) : isolated(String(values[name] ?? ""))));
}

/** What others wrote, kept from turning the words around it where the directions meet (Unicode UAX 9, FSI and PDI). */
function isolated(text) {
  return text && (isRightToLeft || RIGHT_TO_LEFT.test(text)) ? `\u2068${text}\u2069` : text;
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

/** Times that the server wrote in UTC, as the person's own clock and region write them. */
export function showTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = showTime(time.dateTime);
}

/** A <select> of languages loads the page again in the one chosen; what is unsent stays on the phone. */
export function wireLanguages(select) {
  const spoken = select.value;
  select.addEventListener("change", () => {
    const address = new URL(location.href);
    address.searchParams.set("lang", select.value);
    address.hash = "";
    location.assign(address);
    select.value = spoken; // for those who are asked whether to leave, and stay
  });
}

/** What a problem says to the person: in English the server's own sentences, else ours where we have some. */
export function explain(problem) {
  if (problem.word) return t(problem.word);
  if (problem.code === "wrong_receipt") return t("wrong_receipt");
  const places = problem.members?.errors;
  const sentence = (key, detail) => (lang.startsWith("en") && detail) || catalogue[key] || detail;
  const said = places?.length
    ? [...new Set(places.map((place) => sentence(`place_${place.code}`, place.detail)))].join(" ")
    : sentence(`problem_${problem.code}`, problem.members?.detail);
  return said ? t("refused", { detail: said }) : t("refused_silently", { code: problem.code || problem.status });
}
