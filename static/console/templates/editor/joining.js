// Joins a newer draft by somebody else, or a newer version of the template, with this page's changes; where both
// changed the same place, the person is asked.

import { t } from "../../../executor/dom.js";
import { clashList } from "./clash_list.js";
import { danglingSteps } from "./conditions.js";
import { merge } from "./merge.js";
import { partOf } from "./template.js";

export class Joining {
  #editor;
  #draft;
  #notice = document.getElementById("newer");
  #keepMine = document.getElementById("keep-mine");
  #newer = null;   // {base, theirs, notice, joined_notice, address}: templates, sentences, where the other one is seen

  constructor(editor, draft) {
    this.#editor = editor;
    this.#draft = draft;
    draft.addEventListener("newer", ({ detail }) => this.#join(draft.stored, detail, draft.newerAddress));
    this.#keepMine.addEventListener("click", () => {
      this.#end();
      draft.takeNewer();
    });
    if (this.#notice.hidden) return;   // else the form was refused: the place in it is the newer draft's
    draft.holdFor(draft.place, null);
    this.#waitForChoice(null, draft.newerAddress);
  }

  /** Joins the template's current version, which was published after the draft was begun, with the draft. */
  async joinVersion({ current, outdated, notice, joined_notice }) {
    const { draft, template_id: id, made_from: v } = this.#draft.place;
    if (!draft || !id || Number(v) >= current) return;
    const [base, text] = await Promise.all([v, current].map((one) => exported(id, one)));
    await this.#draft.untilWritten();
    const { place, stored, isHeld } = this.#draft;
    if (base === null || text === null || isHeld || place.draft !== draft || place.made_from !== v) return;
    this.#draft.holdFor({ ...place, made_from: String(current) }, stored);
    this.#join(base, { text, outdated, notice, joined_notice }, `/console/templates/${id}?v=${current}`);
  }

  /** Joins a text with the own one; both were made from the text `base`. A text that is no template with ids can't be
   *  joined: one of the two is to be chosen. */
  #join(base, { text, outdated, ...notices }, address) {
    const [before, theirs] = [base, text].map((one) => one !== null && this.#editor.readTemplate(one));
    if (!before || !theirs || !this.#editor.isTextRead) return this.#waitForChoice(notices.notice, address);
    this.#editor.confirmations.learn(theirs, outdated);
    this.#newer = { base: before, theirs, address, ...notices };
    this.#joinChosen({});
  }

  #joinChosen(choices) {
    const { base, theirs, notice, joined_notice: joinedNotice, address } = this.#newer;
    if (!this.#editor.isTextRead && !this.#editor.readText()) return this.#waitForChoice(notice, address);
    const mine = this.#editor.template;
    const { template, clashes } = merge(base, mine, theirs, choices);
    const open = clashes.filter(({ place }) => !(place in choices));
    if (open.length) return this.#ask(open, choices);
    this.#end();
    this.#editor.join(template);
    this.#draft.takeNewer();
    this.#editor.say([joinedNotice, ...this.#newlyDangling([mine, theirs], template)].join(" "));
  }

  /** → a sentence on the steps that compare something which only the joined template lacks, in an array. */
  #newlyDangling(parts, joined) {
    const known = parts.map((template) => danglingSteps(template, this.#editor.operators));
    const isNew = (id) => !known.some((ids) => ids.has(id));
    const ids = [...danglingSteps(joined, this.#editor.operators)].filter(isNew);
    const names = ids.map((id) => t("quoted", { text: partOf(joined, id).label || t("no_text") }));
    return ids.length ? [`${t("dangling")} ${names.join(", ")}`] : [];
  }

  #ask(clashes, choices) {
    const { notice, address } = this.#newer;
    const choose = (chosen) => this.#joinChosen({ ...choices, ...chosen });
    this.#show(notice, address, clashList(this.#editor, clashes, choose));
    this.#keepMine.hidden = true;
  }

  #waitForChoice(notice, address) {
    this.#show(notice, address);
    this.#keepMine.hidden = false;
  }

  #show(notice, address, ...content) {
    if (notice) this.#notice.querySelector("p").textContent = notice;
    this.#notice.querySelector(".clashes").replaceChildren(...content);
    this.#notice.hidden = false;
    document.getElementById("theirs").href = address;
  }

  #end() {
    this.#newer = null;
    this.#notice.hidden = true;
    this.#notice.querySelector(".clashes").replaceChildren();
  }
}

/** → the JSON text of a template's version, null if it does not come. */
async function exported(id, v) {
  try {
    const response = await fetch(`/console/templates/${id}/export?v=${v}`);
    return response.ok && !response.redirected ? await response.text() : null;
  } catch {
    return null;
  }
}
