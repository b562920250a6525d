// Shows the job: on the start screen, in the card at the top of the list, in the menu, in the review and on the waiting
// screen; and its proposed answers in the steps.

import {
  announce, describe, h, icon, lang, locale, makeButton, scrollBehavior, setAttr, setText, showCount, showDate,
  showTime, t, telAddress, textAttributes, withLinks,
} from "./dom.js";
import { nowUtc } from "./rules.js";

const DAY_MS = 24 * 3600 * 1000;
const MINUTE_MS = 60 * 1000;
const LONG_NOTE = 100;   // characters: about two lines on a phone
const SHOWN_TYPES = new Set(["text", "barcode", "multi_choice"]);   // the proposal is right below

const OUTSIDE = { target: "_blank", rel: "noopener noreferrer" };

let secrets = 0;   // number of secrets shown so far, for their ids

/** Replaces the job's fields and due time that the server wrote into the start screen: with links, and in the person's
 *  time zone. */
export async function connectStartScreen(session, page) {
  const { due_at: dueAt, fields } = session.job.value;
  if (fields.length) page.querySelector(".job-fields").replaceWith(fieldList(fields, "brief card job-fields"));
  if (!dueAt) return;
  // "Late" is not shown before the server's time is known, which every response contains.
  if (isPast(dueAt)) await session.outbox.request("GET", "/state").catch(() => {});
  page.querySelector(".due").replaceWith(dueLine(dueAt));
}

/** Shows the job at the top of the list, its title in the header, and its proposals in the steps; and updates them. */
export function connectJob(session, form) {
  const { job } = session;
  const card = h("section", { class: "job-card", "aria-label": t("job_about") });
  const said = h("span", {});
  const see = makeButton("link", () => endNews(true), t("job_see"));
  const more = makeButton("link", () => fold(!isFolded), "");
  let isFolded = true;   // so that the first step is on the screen
  const notice = h("p", { class: "notice job-news", hidden: true }, icon("alert"), h("span", {}, said, " ", see));
  form.list.prepend(card);
  form.header.append(notice);
  card.addEventListener("pointerdown", () => endNews(false));
  job.addEventListener("change", ({ detail }) => show(detail.isMore));
  session.addEventListener("change", ({ detail }) => showProposals(detail.step));
  session.addEventListener("run", () => setAttr(card, "hidden", !isWorthACard()));
  setInterval(() => {
    for (const line of document.querySelectorAll(".due")) line.replaceWith(dueLine(job.value.due_at));
  }, MINUTE_MS);
  show(false);

  function show(isMore) {
    refill(card, [...cardContent(session), ...(isLong(job.value) ? [more] : [])]);
    fold(isFolded);
    setAttr(card, "hidden", !isWorthACard());
    showTitle(form.header.querySelector("h1"), session);
    showProposals(null);
    for (const id of Object.keys(job.value.prefill ?? {})) stepCard(id)?.update();
    form.showLead();
    const isNew = job.news.length > 0;
    if (!isNew && !(isMore && job.hasContent)) return;
    const news = isNew ? t("job_changed", { what: listNames(job.news) }) : t("job_here");
    setText(said, news);
    notice.hidden = false;
    setAttr(card, "changed", true);
    announce(news);
  }

  /** Hides the notice of changes. `isAsked`: the person wants to see them, so the card is opened. */
  function endNews(isAsked) {
    job.news = [];
    notice.hidden = true;
    if (!isAsked) return setAttr(card, "changed", false);
    fold(false);
    return card.scrollIntoView({ behavior: scrollBehavior(), block: "start" });
  }

  function fold(isWanted) {
    isFolded = isWanted;
    setAttr(card, "folded", isFolded && more.isConnected);
    setText(more, t(isFolded ? "more" : "less"));
    setAttr(more, "aria-expanded", String(!isFolded));
  }

  /** True for a job with content, or one whose rest the server has not sent yet. */
  function isWorthACard() {
    return job.hasContent || !job.isStarted;
  }

  function stepCard(id) {
    return form.list.querySelector(`[id="${CSS.escape(id)}"]`);
  }

  function showProposals(stepId) {
    for (const [id, value] of Object.entries(job.value.prefill ?? {})) {
      const step = stepId === null || stepId === id ? stepCard(id) : null;
      if (step) showProposal(step, value);
    }
  }

  function showProposal(step, value) {
    const old = step.querySelector(":scope > .proposal");
    if (session.answerOf(step.id)) {
      if (old?.contains(document.activeElement)) step.querySelector("h3").focus({ preventScroll: true });
      return old?.remove();
    }
    const isShown = SHOWN_TYPES.has(step.step.type);
    const words = isShown ? t("confirm") : t("confirm_value", { value: describe(step.step, { value }) });
    if (old) return setText(old.querySelector("button > span"), words);
    if (job.proposed(step.id) === undefined) return;
    const confirm = makeButton("button primary", () => step.tapped(value), icon("check"), h("span", {}, words));
    setAttr(confirm, "aria-describedby", step.labelId);
    const note = h("p", { class: "soft small" }, t("prefill_note"));
    const proposal = h("div", { class: "proposal" }, note, confirm);
    const control = step.querySelector(":scope > .control");
    // A changed value cannot be confirmed; the button keeps its space, so that nothing moves.
    control.addEventListener("input", () => {
      setAttr(proposal, "changed", true);
      confirm.className = "button";
    });
    return control.before(proposal);
  }
}

/** → an element with all of the job but its title, which follows changes. */
export function jobDetails(session) {
  const element = h("div", { class: "job-details" });
  const show = () => refill(element, details(session));
  session.job.addEventListener("change", show);
  show();
  return element;
}

/** → `jobDetails` under a fold with the job's title. */
export function jobFold(session) {
  const summary = h("summary", {}, session.job.value.title ?? t("job_about"));
  setAttr(summary, "dir", "auto");
  return h("details", { class: "card job-fold", hidden: !session.job.hasContent }, summary, jobDetails(session));
}

/** Replaces an element's content; an open secret stays open. */
function refill(element, content) {
  const open = [...element.querySelectorAll(".secret-row [aria-expanded=true]")]
    .map((button) => button.closest(".secret-row").dataset.field);
  element.replaceChildren(...content);
  for (const row of element.querySelectorAll(".secret-row")) {
    if (open.includes(row.dataset.field)) row.querySelector("button").click();
  }
}

/** Shows the job's title in place of the checklist's name. */
function showTitle(heading, session) {
  const { title } = session.job.value;
  const { dir, lang: own } = title ? { dir: "auto", lang: "" } : textAttributes("");
  setAttr(heading, "dir", dir);
  setAttr(heading, "lang", own ?? null);
  setText(heading, title ?? session.template.name);
  document.title = title ?? session.template.name;
}

/** True for a job that would push the first step off the screen. */
function isLong({ note, fields }) {
  return fields.length > 1 || (note ?? "").length > LONG_NOTE || (note ?? "").split("\n").length > 2;
}

function cardContent(session) {
  const { title } = session.job.value;
  const name = h("p", { class: "soft small checklist-name", ...textAttributes("") }, session.template.name);
  return [
    title ? h("h2", { dir: "auto", lang: "" }, title) : h("h2", {}, t("job_about")),
    ...(title ? [name] : []),
    ...details(session),
  ];
}

function details({ job }) {
  const { due_at: dueAt, note, fields } = job.value;
  return [
    ...(dueAt ? [dueLine(dueAt)] : []),
    ...(note ? [h("p", { class: "job-note", dir: "auto", lang: "" }, withLinks(note))] : []),
    ...(fields.length ? [fieldList(fields, "brief job-fields")] : []),
    ...(job.isStarted ? [] : [h("p", { class: "soft small job-more" }, t("job_more"))]),
  ];
}

function dueLine(dueAt) {
  const isLate = isPast(dueAt);
  const words = t(isLate ? "job_late" : "job_due", { when: relativeTime(dueAt) });
  return h("p", { class: "due", late: isLate }, icon("clock"), h("span", {}, words));
}

/** True for a time in the past, by the server's clock once it is known: a phone's clock may be a day ahead. */
function isPast(utc) {
  return Date.parse(utc) < Date.parse(nowUtc());
}

/** → "today 15:00" for a time from yesterday to tomorrow, else its date and time. */
function relativeTime(utc) {
  const [moment, now] = [new Date(utc), new Date(nowUtc())];
  const dayOf = (date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS;
  const days = dayOf(moment) - dayOf(now);
  if (Math.abs(days) > 1) return showTime(utc);
  const time = new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(moment);
  return `${new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(days, "day")} ${time}`;
}

/** → the changed parts of a job as a list in words. */
function listNames(news) {
  const words = { title: t("job_title"), due_at: t("job_due_time"), note: t("job_note") };
  return new Intl.ListFormat(lang, { type: "conjunction" }).format(news.map((name) => words[name] ?? name));
}

function fieldList(fields, className) {
  return h("dl", { class: className }, fields.map((field) => {
    const label = h("dt", textAttributes(field.id), field.label);
    const value = field.kind === "secret" ? secretRow(field, label) : h("bdi", { lang: "" }, showValue(field));
    return h("div", {}, label, h("dd", {}, value));
  }));
}

/** → a field's value in the form of its kind: a text, or a link for kinds that the phone can open. */
function showValue({ kind, value }) {
  const text = String(value);
  switch (kind) {
    case "number": return typeof value === "number" ? showCount(value) : text;
    case "date": return /^\d{4}-\d\d-\d\d$/.test(text) ? showDate(text) : text;
    case "phone": return h("a", { href: telAddress(text), dir: "ltr" }, text);
    case "email": return h("a", { href: `mailto:${encodeURIComponent(text).replace("%40", "@")}` }, text);
    case "url": return /^https?:\/\//i.test(text) ? h("a", { href: text, ...OUTSIDE }, text) : text;
    case "address": return h("a", mapLink(text), addressParts(text));
    default: return text;
  }
}

/** → an address as nodes that break between its parts rather than within one. */
function addressParts(text) {
  const parts = text.replace(/([,،]) +/g, "$1\n").split("\n");
  return parts.flatMap((part, i) => [i ? " " : null, h("span", {}, i ? null : icon("pin"), part)]);
}

/** → the attributes of a link to a map. Apple's devices open their own maps by a web address, and do not know geo: (RFC
 *  5870); Android offers the installed maps for geo:, with its own parameter "q"; all others get a web page. */
function mapLink(place) {
  const query = encodeURIComponent(place);
  const agent = navigator.userAgent;
  if (/iPhone|iPad|iPod|Macintosh/.test(agent)) return { href: `https://maps.apple.com/?q=${query}`, ...OUTSIDE };
  if (/Android/.test(agent)) return { href: `geo:0,0?q=${query}` };
  return { href: `https://www.google.com/maps/search/?api=1&query=${query}`, ...OUTSIDE };
}

/** → a secret value, hidden until it is tapped, so that no bystander reads it by chance. */
function secretRow({ id, value }, label) {
  const output = h("bdi", { class: "secret", lang: "", "aria-live": "polite" });
  label.id = `secret-${(secrets += 1)}`;
  const toggle = makeButton("link", () => show(output.textContent === ""), "");
  setAttr(toggle, "aria-describedby", label.id);
  show(false);
  return h("span", { class: "secret-row", "data-field": id }, output, toggle);

  function show(isOpen) {
    setText(output, isOpen ? value ?? t("secret_waits") : "");
    setText(toggle, t(isOpen ? "secret_hide" : "secret_show"));
    setAttr(toggle, "aria-expanded", String(isOpen));
  }
}
