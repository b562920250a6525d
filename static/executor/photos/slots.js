// The photo field of a step with slots: a tile for each slot with its label, and the camera while it is empty, else its
// picture, which opens dialog.js.

import { h, icon, setAttr, setText, t, textAttributes } from "../dom.js";
import { PhotoField, stateOf } from "../main.js";
import { slotsOf } from "../rules.js";

customElements.define("photo-slots", class extends PhotoField {
  connectedCallback() {
    if (this.childElementCount) return;
    this.rules = h("p", { class: "soft count", "aria-live": "polite", shown: true });
    this.places = slotsOf(this.step).map((slot) => this.#place(slot));
    this.append(h("div", { class: "slots" }, this.places.map(({ element }) => element)), this.rules);
    this.listen();
  }

  /** → a slot's tile: {slot, element, empty: the element with its inputs}. */
  #place(slot) {
    const labelId = `${slot.id}-label`;
    const take = (source, word, picture, className) => {
      const label = this.makeInput(source, word, picture, { className, slot: slot.id });
      setAttr(label.querySelector("input"), "aria-label", t("slot_label", { slot: slot.label, state: t(word) }));
      return label;
    };
    const empty = h("div", { class: "slot-empty" },
      take("camera", "take_photo", "camera", "button"),
      this.rule.gallery ? take("gallery", "gallery", "picture", "button slot-gallery") : null);
    const element = h("div", { class: "slot", role: "group", "aria-labelledby": labelId },
      h("p", { class: "slot-name", id: labelId, ...textAttributes(slot.id) }, slot.label), empty);
    return { slot, element, empty };
  }

  update() {
    const photos = this.session.photoStore.ofStep(this.step.id);
    for (const { slot, element, empty } of this.places) {
      const taken = photos.filter((one) => one.slot === slot.id); // two if two phones took it
      for (const photo of taken) {
        const tile = this.tileOf(photo);
        if (tile.parentNode !== element) element.append(tile);
        this.refresh(tile, photo, t("slot_label", { slot: slot.label, state: stateOf(photo) }));
      }
      setAttr(empty, "hidden", taken.length > 0);
    }
    this.removeTiles(photos);
    this.sayCount(new Set(this.session.photoStore.usable(this.step.id).map(({ slot }) => slot)).size);
  }

  countWords(n) {
    return t("photos_of", { n, max: this.rule.max });
  }
});
