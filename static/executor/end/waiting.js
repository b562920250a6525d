// The screen of a run that is finished on this phone while some of it is still unsent.

import { h, icon, makeButton, setAttr, setText, t } from "../dom.js";

const LEAVE_DELAY_MS = 1000;

export class Waiting {
  #lock = null;
  #left = false;

  /** `onBack(stepIds)` is called when the person goes on working, or when these steps need attention. */
  constructor(session, { onBack }) {
    Object.assign(this, { session, onBack });
    this.counts = h("ul", { class: "unsent-counts" });
    this.state = h("p", { class: "status", role: "status" });
    this.element = h("main", { class: "page end waiting" },
      h("div", { class: "end-mark" }, icon("sending")),
      h("h1", { tabindex: "-1" }, t("finished_title")),
      h("p", { class: "soft" }, t("finished_text")),
      h("section", { class: "card unsent-card" }, h("h2", {}, t("waits_for")), this.counts, this.state),
      makeButton("button", () => onBack([]), t("keep_working")));
    this.refresh = () => this.#left || this.update();
    for (const event of ["run", "change"]) session.addEventListener(event, this.refresh);
    this.stayAwake = () => document.visibilityState === "visible" && this.#keepAwake();
    document.addEventListener("visibilitychange", this.stayAwake);
    this.#keepAwake();
  }

  /** Shows what is unsent; leaves the screen if there is something to decide: by then it is on the page. */
  update() {
    const { session } = this;
    if (session.closed) return this.leave();
    const attention = session.needsAttention.map(({ step }) => step.id);
    if (session.otherPhones.isDeciding) return; // most of what a restored server refuses is sent again by itself
    // Refused items must not get lost silently: the person decides about them.
    if (attention.length || session.outbox.refused.length) return this.onBack(attention);
    if (!session.isFinished) return this.#leaveSoon();
    const count = (...kinds) => session.outbox.items.filter((item) => kinds.includes(item.kind)).length;
    const [answers, photos, signatures] = [count("answer", "remark", "delete"), count("photo"), count("signature")];
    const lines = [
      answers ? t("owed_answers", { n: answers }) : null,
      photos ? t("owed_photos", { n: photos }) : null,
      signatures ? t("owed_signatures", { n: signatures }) : null,
    ].filter(Boolean);
    if (!lines.length) lines.push(t("owed_end"));
    const said = lines.join("\n");
    if (this.counts.dataset.said !== said) this.counts.replaceChildren(...lines.map((line) => h("li", {}, line)));
    this.counts.dataset.said = said;
    const unkept = session.outbox.items.some((item) => item.stored === "no");
    setAttr(this.state, "kind", unkept ? "alert" : "sending");
    setText(this.state, this.#stateWords(unkept));
  }

  #stateWords(unkept) {
    const { outbox, photoStore } = this.session;
    const { safe, total } = photoStore.counts();
    if (unkept) return t(outbox.trouble === "full" ? "storage_full" : "storage_none");
    if (outbox.isBackingOff) return t("busy");
    if (outbox.isStuck) return t("stuck_finish");
    if (outbox.unsent.some((item) => item.hold && item.lane === "answers")) return t("locating");
    return safe < total ? t("photos_safe", { safe, n: total }) : t("finishing");
  }

  /** Leaves after a second, unless the run is closed by then: either another tab took the completion back, or the
 *  server has just completed the run and says so in a moment. */
  #leaveSoon() {
    setTimeout(() => {
      if (!this.#left && !this.session.closed && !this.session.isFinished) this.onBack([]);
    }, LEAVE_DELAY_MS);
  }

  leave() {
    this.#left = true;
    for (const event of ["run", "change"]) this.session.removeEventListener(event, this.refresh);
    document.removeEventListener("visibilitychange", this.stayAwake);
    this.#lock?.release().catch(() => {});
    this.element.remove();
  }

  /** Keeps the screen on, where the browser can: a sleeping phone stops sending. */
  async #keepAwake() {
    this.#lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    if (this.#left) this.#lock?.release().catch(() => {});
  }
}
