// Finished on this phone, and not yet with the server: what is still owed, and that it goes by itself.

import { h, icon, set, setText, t } from "./dom.js";

const MOMENT = 1000;   // ms

export class Waiting {
  #lock = null;
  #left = false;

  /** `onBack(stepIds)`: the person goes on working, or one of these steps needs them. */
  constructor(session, { onBack }) {
    Object.assign(this, { session, onBack });
    this.owed = h("ul", { class: "owed" });
    this.state = h("p", { class: "status", role: "status" });
    this.element = h("main", { class: "page end waiting" },
      h("div", { class: "end-mark" }, icon("sending")),
      h("h1", { tabindex: "-1" }, t("finished_title")),
      h("p", { class: "soft" }, t("finished_text")),
      h("section", { class: "card owed-card" }, h("h2", {}, t("waits_for")), this.owed, this.state),
      h("button", { type: "button", class: "button", on: { click: () => onBack([]) } }, t("keep_working")));
    this.refresh = () => this.#left || this.update();
    for (const event of ["run", "change"]) session.addEventListener(event, this.refresh);
    this.stayAwake = () => document.visibilityState === "visible" && this.#awake();
    document.addEventListener("visibilitychange", this.stayAwake);
    this.#awake();
    this.update();
  }

  update() {
    const { session } = this;
    if (session.closed) return this.leave();
    const attention = session.needsAttention.map(({ step }) => step.id);
    // What the server refused must not go missing silently: the person decides.
    if (attention.length || session.outbox.refused.length) return this.onBack(attention);
    if (!session.isFinished) return this.#leaveSoon();
    const { answers, photos, signatures } = session.outbox.debts;
    const lines = [
      answers ? t("owed_answers", { n: answers }) : null,
      photos ? t("owed_photos", { n: photos }) : null,
      signatures ? t("owed_signatures", { n: signatures }) : null,
    ].filter(Boolean);
    if (!lines.length) lines.push(t("owed_end"));
    const said = lines.join("\n");
    if (this.owed.dataset.said !== said) this.owed.replaceChildren(...lines.map((line) => h("li", {}, line)));
    this.owed.dataset.said = said;
    const unkept = session.outbox.items.some((item) => item.kept === "no");
    const counts = session.shelf.counts();
    const stuck = session.outbox.isStuck;
    set(this.state, "kind", unkept ? "alert" : "sending");
    const word = unkept ? t(session.outbox.trouble === "full" ? "storage_full" : "storage_none") : session.outbox.isHushed ? t("busy") : stuck ? t("stuck_finish") : counts.safe < counts.total ? t("photos_safe", { safe: counts.safe, n: counts.total }) : t("finishing");
    setText(this.state, word);
  }

  /** Another tab went on working; or the server has just completed the run, and says so in a moment. */
  #leaveSoon() {
    setTimeout(() => {
      if (!this.#left && !this.session.closed && !this.session.isFinished) this.onBack([]);
    }, MOMENT);
  }

  leave() {
    this.#left = true;
    for (const event of ["run", "change"]) this.session.removeEventListener(event, this.refresh);
    document.removeEventListener("visibilitychange", this.stayAwake);
    this.#lock?.release().catch(() => {});
    this.element.remove();
  }

  /** Phones that sleep stop sending. Where the browser can, the screen stays on while something is owed. */
  async #awake() {
    this.#lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    if (this.#left) this.#lock?.release().catch(() => {});
  }
}
