// What came from another phone on the same run: steps whose answer, as the page shows it, nobody here has given. The
// link knows no names, so who it was is not said.
// The server sends this within session.js (rundun/web/pages/static.py), so it imports nothing of that.

import { isLeftOut } from "../rules.js";

const CHANGED = new Set(["answer_changed", "too_many_photos", "photo_deleted"]); // refusals by what others have done

export class OtherPhones {
  #ours = new Set();        // ids of answers given on this phone, in whichever tab
  #theirs = new Map();      // step id → the id of the answer that came from elsewhere

  /** Makes `session` emit "elsewhere" {steps}: ids of steps that were answered on another phone since the last look. */
  constructor(session, outbox) {
    Object.assign(this, { session, outbox });
    // Noted when it is given: the server may tell of it before its receipt has been seen through.
    outbox.addEventListener("change", () => {
      const ids = outbox.items.map(({ body }) => body?.answer_id).filter((id) => id && !this.#ours.has(id));
      for (const answered of ids) {
        this.#ours.add(answered);
        outbox.others?.postMessage({ answered });
      }
    });
    outbox.others?.addEventListener("message", ({ data }) => this.#ours.add(data.answered));
    outbox.addEventListener("refused", ({ detail }) => CHANGED.has(detail.problem.code) && this.#changed(detail));
    session.addEventListener("state", ({ detail }) => this.#compare(detail.before));
  }

  /** True while the answer that a step shows is another phone's, and came while this page was open. */
  hasChanged(stepId) {
    return this.#theirs.has(stepId) && this.#theirs.get(stepId) === this.answerIdOf(stepId);
  }

  /** The id of the answer that a step shows, null while untouched. */
  answerIdOf(stepId) {
    const { session } = this;
    return session.localOf(stepId)?.item.body.answer_id ?? session.answers[stepId]?.answer_id ?? null;
  }

  /** What another phone has answered while this one wrote, so that the server did not take it; null without that. */
  rivalOf(stepId) {
    const isRefused = this.session.localOf(stepId)?.problem?.code === "answer_changed";
    return isRefused ? this.session.answers[stepId] ?? null : null;
  }

  /** Puts what was answered here in the place of the other's. */
  keepMine(stepId) {
    const { session } = this;
    const replaces = session.answers[stepId]?.answer_id ?? undefined;
    session.give(stepId, { ...session.localOf(stepId).answer, replaces });
  }

  /** Shows what this phone did not know. An answer that only had other photos than before is given anew with what the
   *  step says now. */
  async #changed({ item, problem }) {
    const { session } = this;
    await session.poll(true);
    if (problem.code !== "answer_changed" || !item.isOfPhotos || session.localOf(item.key)?.item !== item) return;
    if (isLeftOut(session.answers[item.key])) return this.keepMine(item.key);
    session.takeBack(item.key);
    session.answerPhotos(item.key);
  }

  #compare(before) {
    // Remarks, which stand among the answers, have no such id.
    const isTheirs = ([stepId, { answer_id: id }]) => id !== undefined &&
      id !== (before[stepId]?.answer_id ?? null) && !this.#ours.has(id);
    const changed = Object.entries(this.session.answers).filter(isTheirs);
    for (const [stepId, { answer_id: id }] of changed) this.#theirs.set(stepId, id);
    if (changed.length) this.session.emit("elsewhere", { steps: changed.map(([stepId]) => stepId) });
  }
}
