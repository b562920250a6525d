// The menu of the run: the job, facts, the page's language, and the button that cancels the run.

import {
  askReason, connectLanguages, fact, h, icon, isPageLanguage, languages, makeButton, openDialog, problemText, showTime,
  t, textAttributes,
} from "./dom.js";
import { jobDetails } from "./main.js";
import { rememberLanguage } from "./offline/db.js";
import { nowUtc } from "./rules.js";

/** Opens the menu. `openContents()` shows the table of contents; null for a run without sections. */
export async function openMenu(session, openContents) {
  const { organization, run, template } = session;
  const about = session.job.hasContent ? jobDetails(session) : null;
  const choice = await openDialog(h("span", textAttributes(""), template.name), (close) => [
    about,
    h("dl", { class: "facts" },
      ...fact("from", organization?.name), ...fact("contact", organization?.contact),
      ...fact("run_number", run.run_id.slice(2, 10)),
      ...fact("open_until", run.expires_at ? showTime(run.expires_at) : null)),
    chooser(session),
    openContents && makeButton("button wide", () => close("contents"), icon("list"), h("span", {}, t("contents"))),
    makeButton("button danger wide", () => close("stop"), t("stop")),
  ]);
  if (choice === "contents") await openContents();
  if (choice === "stop") await cancelRun(session);
}

/** Cancels the run after asking for a reason. */
async function cancelRun(session) {
  const reason = await askReason(t("stop"), t("stop_explained"), t("stop_label"), t("stop_confirm"), true);
  if (reason === null) return;
  try {
    const { generation = 0 } = await session.outbox.request("POST", "/cancel", { reason });
    session.close({ kind: "cancelled", closedAt: nowUtc(), generation });
  } catch (problem) {
    if (session.closeIfOver(problem)) return;
    await openDialog(t("stop"), (close) => [
      h("p", {}, problem.status ? problemText(problem) : t("no_connection")),
      makeButton("button primary wide", () => close(), t("close")),
    ]);
  }
}

function chooser(session) {
  const option = ([tag, name]) => h("option", { value: tag, lang: tag, selected: isPageLanguage(tag) }, name);
  const select = h("select", { id: "language" }, languages.map(option));
  connectLanguages(select, (tag) => rememberLanguage(session.run.run_id, tag));
  return h("p", { class: "languages" }, h("label", { for: "language" }, t("language")), select);
}
