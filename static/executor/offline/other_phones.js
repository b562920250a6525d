// Answers and remarks from other phones on the same run: finds those shown that were not given on this phone. The link
// carries no names, so the page does not say whose phone it was. A remark stands where an answer does, under its key
// (rules/answers.js).

import { loadModule } from "../http.js";
import { idOf } from "../rules.js";

const CHANGED = new Set(["answer_changed", "too_many_photos", "photo_deleted"]); // refusals caused by other phones

export class OtherPhones {
  #ours = new Set();        // ids of answers and remarks given on this phone, in any tab
  #theirs = new Map();      // step id or remark's key → the id of another phone's

  /** Makes `session` emit "elsewhere" {steps}: ids of steps that were answered on another phone since the last poll. */
  constructor(session, outbox) {
    Object.assign(this, { session, outbox });
    // Noted when given: the server's state may contain an answer before its receipt is processed.
    outbox.addEventListener("change", () => {
      const ids = outbox.items.map(({ body }) => idOf(body)).filter((id) => id && !this.#ours.has(id));
      for (const answered of ids) {
        this.#ours.add(answered);
        outbox.tabs?.postMessage({ answered });
      }
    });
    outbox.tabs?.addEventListener("message", ({ data }) => this.#ours.add(data.answered));
    outbox.addEventListener("refused", ({ detail }) => CHANGED.has(detail.problem.code) && this.#onRefused(detail));
    // The page may have ended before it decided.
    outbox.addEventListener("restored", ({ detail }) => this.#decide(detail.items));
    session.addEventListener("put-back", () => this.#decide(outbox.refused));
    session.addEventListener("state", ({ detail }) => this.#compare(detail.before));
  }

  /** True for the id of an answer or a remark given on this phone, also on an earlier visit. */
  #isOurs(id) {
    const isOf = ({ version, earlier }) => version === id || earlier.includes(id);
    return this.#ours.has(id) || [...this.outbox.items, ...this.outbox.marks].some(isOf);
  }

  /** True while a step shows another phone's answer that came while this page was open. */
  hasChanged(stepId) {
    return this.#theirs.has(stepId) && this.#theirs.get(stepId) === this.answerIdOf(stepId);
  }

  /** → the id of the answer that a step shows, null while untouched. */
  answerIdOf(stepId) {
    const { session } = this;
    return idOf(session.localOf(stepId)?.item.body) ?? idOf(session.answers[stepId]);
  }

  /** → another phone's answer because of which the server refused this phone's, or null. */
  rivalOf(stepId) {
    const isRefused = this.session.localOf(stepId)?.problem?.code === "answer_changed";
    return isRefused ? this.session.answers[stepId] ?? null : null;
  }

  /** True while it is not known of each refused item whether a person has to decide about it. */
  get isDeciding() {
    return this.outbox.refused.some(({ problem }) => CHANGED.has(problem.code) && !problem.isDecided);
  }

  /** Replaces the other phone's answer with this phone's. */
  keepMine(stepId) {
    const { session } = this;
    session.give(stepId, { ...session.localOf(stepId).answer, replaces: idOf(session.answers[stepId]) ?? undefined });
  }

  /** Fetches the state that this phone did not know, and decides. */
  async #onRefused({ item }) {
    await this.session.poll(true);
    await this.#decide([item]);
  }

  /** Decides about those `items` of the outbox that were refused because of what another phone did. */
  async #decide(items) {
    const changed = items.filter(({ problem }) => CHANGED.has(problem?.code));
    if (!changed.length) return;
    const { decideWithoutPerson } = await loadModule("offline/refused");
    decideWithoutPerson(this.session, changed, (id) => this.#isOurs(id));
  }

  /** Finds the other phones' answers that are not in `before`, the answers until this poll. */
  #compare(before) {
    const ids = Object.entries(this.session.answers).map(([key, one]) => [key, idOf(one)]);
    const changed = ids.filter(([key, id]) => id && id !== idOf(before[key]) && !this.#isOurs(id));
    for (const [key, id] of changed) this.#theirs.set(key, id);
    if (changed.length) this.session.emit("elsewhere", { steps: changed.map(([key]) => key) });
  }
}
