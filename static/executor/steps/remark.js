// A step's remark: its part of the card, and the dialog that edits it. Loaded with the first remark, or ahead.

import { h, icon, makeButton, openDialog, refusedText, setAttr, setText, t, textAttributes } from "../dom.js";
import { loadModule } from "../http.js";
import { isNoted, remarkKey, tidy } from "../rules.js";

/** Edits a step's remark in a dialog. The text is saved however the dialog closes, and stored as a draft every second
 *  until then; photos are queued when they are taken. `isPhotoLost`: the phone ended the page for its camera. */
export async function editRemark(session, step, isPhotoLost = false) {
  const key = remarkKey(step.id);
  const remark = () => session.answerOf(key);
  const wasThere = isNoted(remark());
  let seen = session.otherPhones.answerIdOf(key); // the remark that the field began with
  const id = "remark-text";
  const field = h("textarea", { id, rows: "4", dir: "auto", maxlength: "2000", value: remark()?.value ?? "" });
  const photos = document.createElement("photo-field").prepare(session, session.stepById.get(key));
  // Photos that are taken meanwhile make remarks of this phone.
  const replaced = () => (session.otherPhones.hasChanged(key) ? seen : (seen = session.otherPhones.answerIdOf(key)));
  const save = () => {
    const text = tidy(field.value);
    session.drafts.drop(key);
    if (!session.closed && text !== (remark()?.value ?? "")) session.answer(key, text, replaced());
  };
  field.addEventListener("input", () => session.drafts.keep(key, field.value, replaced()));
  session.addEventListener("flush", save);
  const end = await openDialog(t(wasThere ? "remark_change" : "remark_add"), (close) => [
    h("p", { class: "soft", ...textAttributes(step.id) }, step.label),
    h("label", { for: id }, t("remark_label")), field, photos,
    h("div", { class: "pair" },
      wasThere ? makeButton("button danger", () => close("take back"), t("remark_take_back")) : null,
      makeButton("button primary", () => close(), t("done"))),
  ], { onOpen: () => (isPhotoLost ? photos.showLostPhoto() : field.focus()) });
  session.removeEventListener("flush", save);
  if (end !== "take back") return save();
  session.drafts.drop(key);
  session.answer(key, "", replaced());
  for (const photo of session.photoStore.ofStep(key)) session.photoStore.remove(photo);
}

/** The part of a card that shows its step's remark. */
export class RemarkBlock {
  constructor(card) {
    Object.assign(this, { card, session: card.session, step: card.step, key: remarkKey(card.step.id) });
    this.text = h("p", { class: "body", dir: "auto" });
    this.photos = h("div", { class: "line-photos" });
    this.status = h("p", { class: "status" });
    const titleId = `${this.step.id}-remark`;
    const buttonId = `${titleId}-change`;
    const change = makeButton("link", () => editRemark(this.session, this.step), t("remark_edit"));
    const names = { id: buttonId, "aria-labelledby": `${buttonId} ${titleId} ${card.labelId}` };
    for (const [name, value] of Object.entries(names)) setAttr(change, name, value);
    this.element = h("section", { class: "remark", "aria-labelledby": titleId },
      h("div", { class: "remark-head" }, h("h4", { id: titleId }, icon("pen"), t("remark")), change),
      this.text, this.photos, this.status);
    card.querySelector(".step-foot").before(this.element);
  }

  update() {
    const remark = this.session.answerOf(this.key);
    const photos = this.session.photoStore.ofStep(this.key);
    setAttr(this.element, "hidden", !isNoted(remark) && !photos.length);
    setText(this.text, remark?.value ?? "");
    this.#showPhotos(photos);
    this.#showRival();
    const [picture, words, act] = this.#statusWords(photos);
    const said = `${picture} ${words}`;
    if (this.status.dataset.said === said) return;
    this.status.dataset.said = said;
    setAttr(this.status, "kind", picture);
    this.status.replaceChildren(...(picture ? [icon(picture)] : []), h("span", {}, words), ...(act ? [act] : []));
  }

  async #showRival() {
    if (!this.rival && !this.session.otherPhones.rivalOf(this.key)) return;
    (await loadModule("steps/rival")).showRival(this, this.key, this.status, ({ value }) => value);
  }

  #showPhotos(photos) {
    const sources = photos.map((photo) => photo.preview ?? photo.thumbnail ?? "");
    const said = sources.join(" ");
    if (this.photos.dataset.said === said) return;
    this.photos.dataset.said = said;
    this.photos.replaceChildren(...sources.map((source) => {
      const blank = h("span", { class: "line-file" }, icon("picture"));
      const error = ({ target }) => target.replaceWith(blank);
      return source ? h("img", { src: source, alt: t("photo"), on: { error } }) : blank;
    }));
  }

  /** → [icon or null, words, a button or nothing] of the remark's state. */
  #statusWords(photos) {
    const { session, key } = this;
    const again = (word, act) => makeButton("link", act, t(word));
    if (session.otherPhones.rivalOf(key)) return [null, ""]; // shown above
    const { kind, problem } = session.safetyOf(key);
    if (kind === "attention") return ["alert", refusedText(problem), again("try_again", () => session.retry(key))];
    const refused = photos.find((photo) => photo.state === "refused");
    if (refused) return ["alert", refusedText(refused.problem)];
    if (kind === "unkept" || photos.some((photo) => photo.item?.stored === "no")) return ["alert", t("unkept")];
    const lost = photos.filter((photo) => photo.state === "elsewhere").length;
    const goWithout = () => session.photoStore.dropMissing(key);
    if (lost) return ["alert", t("photos_elsewhere", { n: lost }), again("go_without", goWithout)];
    if ((kind === "here" || kind === "stuck") && !this.#isInFoot(kind)) return ["phone", t(kind)];
    if (kind === "saving") return ["sending", t("saving")];
    if (session.otherPhones.hasChanged(key)) return ["phone", t("changed_elsewhere")];
    const n = photos.filter((photo) => photo.state !== "safe").length;
    if (photos.some((photo) => photo.item?.state === "sending")) return ["sending", t("photos_on_the_way", { n })];
    return n ? ["phone", t("photos_here", { n })] : [null, ""]; // safe photos are not mentioned
  }

  /** True when the foot of the card already says the same of the step's answer. */
  #isInFoot(kind) {
    return this.session.safetyOf(this.step.id).kind === kind && this.card.status.getAttribute("kind") === "phone";
  }
}
