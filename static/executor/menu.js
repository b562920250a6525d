// What this checklist is about, the page's language, and the way out of the whole run.

import { fact, h, languages, sentence, showTime, speaks, t, theirs, wireLanguages } from "./dom.js";
import { askReason, sheet } from "./dialog.js";

export async function openMenu(session) {
  const { organization, run, template } = session;
  const choice = await sheet(h("span", theirs(""), template.name), (close) => [
    h("dl", { class: "facts" },
      ...fact("from", organization?.name), ...fact("contact", organization?.contact),
      ...fact("run_number", run.run_id.slice(2, 10)), ...fact("open_until", run.expires_at ? showTime(run.expires_at) : null)),
    chooser(session),
    h("button", { type: "button", class: "button danger wide", on: { click: () => close("stop") } }, t("stop")),
  ]);
  if (choice === "stop") await stop(session);
}

async function stop(session) {
  const reason = await askReason(t("stop"), t("stop_explained"), t("stop_label"), t("stop_confirm"), true);
  if (reason === null) return;
  try {
    await session.cancel(reason);
  } catch (problem) {
    await sheet(t("stop"), (close) => [
      h("p", {}, problem.status ? sentence(problem) : t("no_connection")),
      h("button", { type: "button", class: "button primary wide", on: { click: () => close() } }, t("close")),
    ]);
  }
}

function chooser(session) {
  const select = h("select", { id: "language" }, languages.map(([tag, name]) => h("option", { value: tag, lang: tag, selected: speaks(tag) }, name)));
  wireLanguages(select, session);
  return h("p", { class: "languages" }, h("label", { for: "language" }, t("language")), select);
}
