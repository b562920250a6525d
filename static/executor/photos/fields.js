// The steps whose answer has no value: photo, signature, instruction; and the photo field, which other steps may have.

import { h, icon, makeButton, problemText, setAttr, setText, t, textAttributes, withLinks } from "../dom.js";
import { isLeftOut, photoRule, slotsOf } from "../rules.js";
import { StepElement, defineStep } from "../steps/form.js";
import { loadModule } from "../http.js";

defineStep("photo", class extends StepElement {
  control() {
    const slots = slotsOf(this.step);
    if (!slots.length) return document.createElement("photo-field").prepare(this.session, this.step);
    // Loaded once the list can be used: until then the element is undefined, and keeps the space of its tiles.
    setTimeout(() => loadModule("photos/slots"));
    const field = Object.assign(document.createElement("photo-slots"), fieldData(this.session, this.step));
    field.style.setProperty("--rows", Math.ceil(slots.length / 2));
    return field;
  }
});

/** → the properties of a photo field. */
function fieldData(session, step) {
  return { session, step, rule: photoRule(step), labelId: `${step.id}-label` };
}

defineStep("signature", class extends StepElement {
  control() {
    this.picture = h("img", { alt: t("signature_alt"), hidden: true });
    this.empty = h("span", { class: "soft" }, t("signature_none"));
    this.button = makeButton("button primary", () => this.#sign(), icon("pen"), h("span", {}, t("sign")));
    return [h("div", { class: "signed" }, this.picture, this.empty), this.button];
  }

  show() {
    showSignature(this, this.isAnswered ? this.session.signatureOf(this.id) : null);
  }

  async #sign() {
    const { askSignature } = await loadModule("photos/signature");
    const signed = await askSignature(h("span", textAttributes(this.id), this.step.label));
    if (!signed) return;
    const isFirst = !this.hasAttribute("done");
    this.session.sign(this.id, signed.png, signed.typedName);
    if (isFirst) this.goOn();
  }
});

/** Shows a signature, or that there is none, in an element with `picture`, `empty` and `button`. */
export function showSignature(view, signature) {
  if (signature && view.picture.getAttribute("src") !== signature.url) view.picture.src = signature.url;
  setAttr(view.picture, "hidden", !signature);
  setAttr(view.empty, "hidden", Boolean(signature));
  setText(view.button.querySelector("span"), t(signature ? "sign_again" : "sign"));
  view.button.classList.toggle("primary", !signature);
}

defineStep("instruction", class extends StepElement {
  control() {
    this.button = makeButton("button primary", () => this.tapped(null), icon("check"), h("span", {}, t("got_it")));
    return [h("div", { class: "body", ...textAttributes(this.id) }, withLinks(this.step.config.body)), this.button];
  }

  show() {
    this.button.classList.toggle("primary", !this.isAnswered);
    setAttr(this.button, "aria-pressed", String(this.isAnswered));
  }
});

export class PhotoField extends HTMLElement {
  #tiles = new Map();   // photo id → tile, so that an upload's progress does not rebuild the pictures

  prepare(session, step) {
    return Object.assign(this, fieldData(session, step));
  }

  connectedCallback() {
    if (this.childElementCount) return;
    const names = { "aria-label": t("photos"), "aria-describedby": this.labelId };
    this.grid = h("div", { class: "tiles", role: "group", ...names });
    this.rules = h("p", { class: "soft count", "aria-live": "polite", shown: true });
    this.buttons = h("div", { class: "pair" },
      this.makeInput("camera", "take_photo", "camera"),
      this.rule.gallery ? this.makeInput("gallery", "gallery", "picture") : null);
    this.append(this.grid, this.buttons, this.rules);
    this.listen();
  }

  listen() {
    this.session.addEventListener("change", ({ detail }) => {
      if (detail.step === null || detail.step === this.step.id) this.update();
    });
    this.session.addEventListener("run", () => this.#tiles.size && this.update());
    this.update();
  }

  /** → a button with a file input. Camera and gallery have one each, since Android 14 offers no camera without
   *  `capture`. */
  makeInput(source, word, picture, { className = "button", slot = null } = {}) {
    const names = { class: "visually-hidden", "aria-describedby": this.labelId };
    const input = h("input", { type: "file", accept: "image/*", ...names });
    if (source === "camera") input.setAttribute("capture", "environment");
    else input.multiple = this.rule.max > 1 && !slot;
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // so that the same picture can be chosen again
      if (files.length) this.#add(files, source, slot);
      else this.session.noteCamera(null);
    });
    if (source === "camera") this.#watchCamera(input);
    const button = h("label", { class: className }, icon(picture), h("span", {}, t(word)), input);
    if (!slot) this[source] = button;
    return button;
  }

  /** Notes for which step the camera is open, since the phone may end the page for it. */
  #watchCamera(input) {
    input.addEventListener("click", () => this.session.noteCamera(this.step.id));
    input.addEventListener("cancel", () => this.session.noteCamera(null));
  }

  async #add(files, source, slot) {
    this.lostNotice?.remove();
    const { photoStore } = this.session;
    const step = this.closest(".step"); // null in a remark's dialog
    const wasDone = step?.hasAttribute("done") ?? true;
    this.leftOut = await photoStore.add(this.step.id, files, source, slot);
    this.update();
    // The list stays where more pictures may follow, or where files were left out, which the field says.
    const mayFollow = this.step.type === "photo" && photoStore.usable(this.step.id).length < this.rule.max;
    if (!wasDone && step.hasAttribute("done") && !mayFollow && !this.leftOut) step.goOn();
  }

  /** Shows a notice that a photo was lost with the page. */
  showLostPhoto() {
    const dismiss = () => {
      this.lostNotice.remove();
      this.session.noteCamera(null);
    };
    this.lostNotice = h("div", { class: "notice lost", role: "alert" }, icon("camera"),
      h("span", {}, t("photo_lost"), " ", makeButton("link", dismiss, t("photo_not_lost"))));
    this.prepend(this.lostNotice);
  }

  update() {
    const photos = this.session.photoStore.ofStep(this.step.id);
    this.removeTiles(photos);
    photos.forEach((photo, index) => {
      const tile = this.tileOf(photo);
      if (this.grid.children[index] !== tile) this.grid.insertBefore(tile, this.grid.children[index] ?? null);
      this.refresh(tile, photo, t("photo_label", { index: index + 1, state: stateOf(photo) }));
    });
    const n = this.session.photoStore.usable(this.step.id).length;
    setAttr(this.buttons, "hidden", n >= this.rule.max);
    // Filled while a photo step is short of photos.
    this.camera.classList.toggle("primary", this.step.type === "photo" && n < this.rule.min);
    this.sayCount(n);
  }

  /** Shows how many photos there are, or are needed; a step that was left out needs none. */
  sayCount(n) {
    const answer = this.session.answerOf(this.step.id);
    const isNeeded = !isLeftOut(answer);
    const isSaidBelow = answer && isNeeded && n < this.rule.min; // in the card's foot (steps/status.js)
    setText(this.rules, (n || isNeeded) && !isSaidBelow ? this.countWords(n, isNeeded) : "");
  }

  countWords(n, isNeeded) {
    const { min, max } = this.rule;
    if (n < min && isNeeded) return t("photos_needed", { n, min });
    if (n === max && this.leftOut) return t("photos_left_out", { n: this.leftOut, max });
    return n === 0 ? t("photos_up_to", { n: max }) : t("photo_count", { n });
  }

  /** Removes the tiles of photos that are not among `photos`. */
  removeTiles(photos) {
    const ids = new Set(photos.map((photo) => photo.id));
    for (const [id, tile] of this.#tiles) {
      if (ids.has(id)) continue;
      tile.remove();
      this.#tiles.delete(id);
    }
  }

  tileOf(photo) {
    return this.#tiles.get(photo.id) ?? this.#tile(photo);
  }

  #tile(photo) {
    const open = async () => (await loadModule("photos/dialog")).openPhoto(this.session, tile.photo, this.rule);
    const tile = makeButton("tile", open,
      h("img", { alt: "", hidden: true, on: { error: ({ target }) => setAttr(target, "hidden", true) } }),
      h("span", { class: "tile-file" }, icon("picture"), h("small", {})),
      h("span", { class: "tile-bar" }), h("span", { class: "tile-mark" }, icon("sending")));
    this.#tiles.set(photo.id, tile);
    return tile;
  }

  refresh(tile, photo, words) {
    tile.photo = photo;
    const source = photo.preview ?? photo.thumbnail;
    const image = tile.querySelector("img");
    if (source && image.getAttribute("src") !== source) {
      image.src = source;
      setAttr(image, "hidden", false); // its error event hides it again if the phone cannot show it
    }
    setAttr(tile.querySelector(".tile-file"), "hidden", photo.state === "preparing");
    setText(tile.querySelector("small"), photo.problem ? problemText(photo.problem) : t("no_preview"));
    const progress = photo.item?.sent ?? photo.progress;
    tile.style.setProperty("--sent", photo.state === "safe" ? 1 : progress);
    if (tile.getAttribute("state") === photo.state && tile.getAttribute("aria-label") === words) return;
    tile.setAttribute("state", photo.state);
    tile.setAttribute("aria-label", words);
    tile.querySelector(".tile-mark").replaceChildren(icon(markOf(photo)));
  }
}

customElements.define("photo-field", PhotoField);

/** → a photo's state in words: on this phone, being sent, safe on the server, … */
export function stateOf(photo) {
  if (photo.state !== "waiting") return t(`photo_${photo.state}`);
  if (photo.item?.state === "sending") return t("photo_sending");
  return t(photo.item?.stored === "no" ? "photo_unkept" : "photo_waiting");
}

/** → the name of the icon for a photo's state. */
export function markOf(photo) {
  const isQueued = photo.state === "waiting" && photo.item?.state !== "sending";
  if (isQueued) return photo.item?.stored === "no" ? "alert" : "phone";
  return { safe: "check", refused: "alert", elsewhere: "alert" }[photo.state] ?? "sending";
}
