// The run as this page knows it: what the server said, and on top of it what this phone has not sent yet.
// Elements read from it, tell it what the person did, and listen to its events:
//   "change" {step}  something about one step (null: about any) · "run" progress and sending · "closed" {kind, closedAt}
//   "flush"          write down what is still being typed
//   "unstarted" {problem}   the server refused the start · "completed" {run} · "incomplete" {problem}

import { bodyOf, contentOf, evaluate, flatten, nowUtc, photoRule } from "./rules.js";
import { PhotoShelf, whereabouts } from "./photo_store.js";
import * as store from "./offline_db.js";
import { Problem } from "./http.js";

const POLL = 15_000;   // ms between two looks at what other devices did

export class Session extends EventTarget {
  #local = new Map();        // step id → {answer, item, problem}: newer than the server's
  #known = 0;                // the revision up to which nothing of the run can have escaped this page
  #newest = 0;               // the highest revision seen
  #camera = null;            // {step, at}: the camera is open for this step, and may cost the page its life
  #evaluation = null;

  constructor(state, outbox) {
    super();
    this.outbox = outbox;
    this.template = state.template;
    this.organization = state.organization;
    this.rows = flatten(state.template);
    this.stepById = new Map(this.rows.map(({ step }) => [step.id, step]));
    this.shelf = new PhotoShelf(this);
    this.closed = null;
    this.#take(state);
    outbox.isOpen = this.run.status !== "pending";
    outbox.addEventListener("sent", ({ detail }) => this.#sent(detail.item, detail.answer));
    outbox.addEventListener("refused", ({ detail }) => this.#refused(detail.item, detail.problem));
    outbox.addEventListener("progress", ({ detail }) => this.changed(detail.item.key));
    outbox.addEventListener("change", () => this.tell("run"));
    outbox.addEventListener("found", ({ detail }) => this.#adopt(detail.items));
    outbox.addEventListener("gone", ({ detail }) => this.#gone(detail.item));
    setInterval(() => document.visibilityState === "visible" && this.poll(), POLL);
    addEventListener("online", () => this.poll());
    document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? this.poll() : this.flush()));
    addEventListener("pagehide", () => this.flush());
  }

  /** Brings back what an earlier visit left on this phone. → the id of the step whose photo was lost, or null. */
  async restore() {
    const known = await store.recall(this.run.run_id).catch(() => null);
    if (!this.closed && known?.state?.run.revision > this.run.revision) this.#take(known.state);
    await this.outbox.look();
    // A page that died between a picture and its answer: the answer is made up for.
    for (const item of this.outbox.items.filter((one) => one.kind === "photo")) {
      const listed = this.answerOf(item.key)?.photos ?? [];
      if (this.shelf.usable(item.key).some((photo) => !listed.includes(photo.id))) this.answerPhotos(item.key);
    }
    this.#camera = known?.camera ?? null;
    this.#note();
    this.changed(null);
    return this.stepById.has(this.#camera?.step) ? this.#camera.step : null;
  }

  /** True from the tap on Start, also before the server knows of it. */
  get isBegun() {
    return this.run.status !== "pending" || this.outbox.holds("start");
  }

  /** True when the person has finished, and the phone still has to tell the server. */
  get isFinished() {
    return this.outbox.holds("complete");
  }

  // What the person did

  answer(stepId, value) {
    this.#put(this.stepById.get(stepId), { value, skipped: false, unable: null });
  }

  skip(stepId) {
    this.#put(this.stepById.get(stepId), { value: null, skipped: true, unable: null });
  }

  unable(stepId, reason) {
    this.#put(this.stepById.get(stepId), { value: null, skipped: false, unable: { reason } });
  }

  /** Sends the step's answer again because its list of photos changed; nothing when it has no answer yet. */
  answerPhotos(stepId) {
    const [step, answer] = [this.stepById.get(stepId), this.answerOf(stepId)];
    const isOpen = !answer || answer.skipped || answer.unable;
    if (step.type === "photo") {
      if (this.shelf.usable(stepId).length >= photoRule(step).min) this.answer(stepId, null);
    } else if (!isOpen) {
      this.answer(stepId, answer.value);
    }
  }

  /** `png`: ArrayBuffer. `key`: the step's id, or "" for the signature that closes the run. */
  sign(key, png, typedName) {
    this.outbox.dropUnsent(key, "signature");
    this.shelf.sign(key, png, typedName);
    if (key) this.answer(key, null);
    else this.changed(null);
  }

  retry(stepId) {
    const items = this.outbox.refused.filter((item) => item.key === stepId && item.lane === "answers");
    for (const known of [this.#local.get(stepId), this.shelf.drawn.get(stepId)]) if (known) known.problem = null;
    for (const item of items) this.outbox.retry(item);
    // The answer that stood on this signature went out without it.
    if (stepId && items.some((item) => item.kind === "signature")) this.answer(stepId, null);
    this.changed(stepId);
  }

  start(identity) {
    this.outbox.start(identity);
    navigator.storage?.persist?.().catch(() => {});
  }

  /** Finishes the run on this phone; the server hears of it once everything before it is safe. */
  complete() {
    if (this.isFinished) return;
    this.outbox.add({ lane: "last", key: "complete", kind: "complete", method: "POST", path: "/complete", body: {} });
  }

  /** Takes the completion back while it waits for the network. */
  keepWorking() {
    for (const item of this.outbox.items) if (item.kind === "complete") this.outbox.drop(item);
  }

  /** Notes that the camera is being opened for a step (null: it has given its picture, or was closed). */
  cameraFor(stepId) {
    this.#camera = stepId ? { step: stepId, at: nowUtc() } : null;
    return this.#note();
  }

  async cancel(reason) {
    try {
      await this.outbox.request("POST", "/cancel", { reason });
      this.close("cancelled", nowUtc());
    } catch (error) {
      if (!this.closes(error)) throw error;
    }
  }

  /** Remembers on this phone in which language the run is done. */
  speak(tag) {
    store.chooseLanguage(this.run.run_id, tag);
  }

  flush() {
    this.tell("flush");
    whereabouts.settle();
  }

  // What is known

  /** The newest answer of a step, this phone's before the server's; null while untouched. */
  answerOf(stepId) {
    return this.#local.get(stepId)?.answer ?? this.answers[stepId] ?? null;
  }

  /** {url, problem} of a signature, or null. */
  signatureOf(key) {
    return this.shelf.drawn.get(key) ?? this.signatures[key] ?? null;
  }

  /** How safe a step's answer is: {kind: none | locating | here | saving | stuck | unkept | safe | attention, problem}. */
  safetyOf(stepId) {
    const problem = this.#local.get(stepId)?.problem ?? this.shelf.drawn.get(stepId)?.problem ?? null;
    if (problem) return { kind: "attention", problem };
    const kind = this.outbox.whereabouts(this.outbox.owed.filter((item) => item.key === stepId && item.lane === "answers"));
    return { kind: kind === "none" && this.answers[stepId] ? "safe" : kind, problem: null };
  }

  evaluate() {
    this.#evaluation ??= this.#evaluateNow();
    return this.#evaluation;
  }

  get needsAttention() {
    return this.rows.filter(({ step }) => this.safetyOf(step.id).kind === "attention" || this.shelf.refused(step.id).length);
  }

  /** True when the page may go without losing anything: all is with the server, or at least on this phone. */
  get isSettled() {
    return this.outbox.owed.every((item) => item.kept === "yes") && this.shelf.counts().preparing === 0;
  }

  changed(stepId) {
    this.#evaluation = null;
    this.tell("change", { step: stepId });
  }

  tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** The run is over for this page. kind: completed | cancelled | expired | unknown | other_device. `isOurs`: this phone
   *  has completed it, and maybe only the reply was lost. */
  close(kind, closedAt = null, isOurs = kind === "completed" && this.outbox.items.every((item) => item.kind === "complete") && this.isFinished) {
    if (this.closed) return;
    this.closed = kind;
    this.outbox.stop();
    if (isOurs) this.tell("completed", { run: { ...this.run, status: kind, closed_at: closedAt } });
    else this.tell("closed", { kind, closedAt });
  }

  async poll() {
    if (this.closed) return;
    this.outbox.look();
    if (this.run.status === "pending" || this.outbox.isHushed) return;
    const newest = this.#newest;
    try {
      const state = await this.outbox.request("GET", `/state?since=${this.#known}`);
      // An answer older than what a write told us meanwhile must not bring the past back.
      if (state && state.run.revision < this.#newest) return this.#newest > newest && this.poll();
      if (state) {
        this.#take(state);
        this.changed(null);
        this.tell("run");
        this.#note();
      }
    } catch (error) {
      this.outbox.heed(error);
      this.closes(error);
    }
  }

  // Inside

  #put(step, content) {
    const photos = photoRule(step) ? this.shelf.usable(step.id).map((photo) => photo.id) : null;
    const body = bodyOf(content, photos);
    this.outbox.dropUnsent(step.id, "answer");
    const wantsPlace = Boolean(step.geo) && "value" in body;
    const item = this.outbox.add({
      lane: "answers", key: step.id, kind: "answer", method: "PUT", path: `/steps/${step.id}`, body, hold: wantsPlace,
    });
    this.#local.set(step.id, { answer: { ...content, photos: photos ?? [], geo: null }, item, problem: null });
    if (wantsPlace) this.#locate(item);
    this.changed(step.id);
  }

  async #locate(item) {
    const fix = (await (await whereabouts.geo())?.sample()) ?? null;
    this.outbox.update(item, { body: { ...item.body, geo: fix }, hold: false });
    this.changed(item.key);
  }

  #evaluateNow() {
    const answers = {};
    const arrived = {};
    for (const { step } of this.rows) {
      const answer = this.answerOf(step.id);
      const takesPhotos = photoRule(step) !== null;
      if (answer) answers[step.id] = takesPhotos ? { ...answer, photos: this.shelf.listed(step.id) } : answer;
      arrived[step.id] = takesPhotos ? this.shelf.usable(step.id).map((photo) => photo.id) : [];
    }
    return evaluate(this.template, answers, arrived, [...Object.keys(this.signatures), ...this.shelf.drawn.keys()]);
  }

  #sent(item, answer) {
    if (answer.run) this.#takeRun(answer.run);
    if (answer.step) this.#takeStep(item.key, answer.step);
    if (item.kind === "start") {
      this.outbox.isOpen = true;
    } else if (item.kind === "complete") {
      return this.close("completed", this.run.closed_at, true);
    } else if (item.kind === "answer") {
      if (this.#local.get(item.key)?.item === item) this.#local.delete(item.key);
    } else if (item.kind === "signature") {
      this.signatures[item.key] = answer;
    } else {
      this.shelf.sent(item, answer);
    }
    this.changed(item.key);
    this.#note();
  }

  #refused(item, problem) {
    if (item.kind === "delete" && problem.status === 404) {
      this.outbox.drop(item); // gone already
    } else if (problem.code === "not_started" && item.kind !== "start") {
      this.outbox.startAgain(item); // released from its one device: whoever comes next takes it over
    } else if (this.closes(problem)) {
      return;
    } else if (item.kind === "start") {
      this.outbox.drop(item);
      this.tell("unstarted", { problem });
    } else if (item.kind === "complete") {
      this.outbox.drop(item);
      this.tell("incomplete", { problem });
    } else if (item.kind === "answer") {
      if (this.#local.get(item.key)?.item === item) this.#local.get(item.key).problem = problem;
    } else {
      this.shelf.refuse(item, problem);
    }
    this.changed(item.key);
  }

  /** Items of an earlier visit, or of another tab: what they say is newer than what the server knows. */
  #adopt(items) {
    for (const item of items) {
      if (item.kind === "answer") {
        this.#local.set(item.key, { answer: contentOf(item.body), item, problem: item.problem });
      } else {
        this.shelf.adopt(item);
      }
    }
    this.changed(null);
    this.tell("run");
  }

  #gone(item) {
    if (this.#local.get(item.key)?.item === item) this.#local.delete(item.key);
    if (item.kind === "photo") this.shelf.release(item);
    this.#known = 0; // what the server told of it while this phone still held it was passed over
    if (item.kind === "start") this.outbox.isOpen = true;
    this.changed(item.key);
    // The other tab knows how it went, and the server does.
    if (item.kind === "start" || this.run.status === "pending") this.run.status = "in_progress";
    this.poll();
  }

  /** Writes down what is known, so that a reload without network shows it. */
  #note() {
    const { run, answers, signatures } = this;
    const labels = Object.fromEntries(this.rows.map(({ step }) => [step.id, step.label]));
    const state = { run, answers, signatures, photos: this.shelf.stored() };
    return store.note(() => (this.closed ? null : { run: run.run_id, name: this.template.name, labels, state, camera: this.#camera }));
  }

  /** True when the problem means that this run is over for this page. */
  closes(error) {
    if (!(error instanceof Problem)) return false;
    // A head that was cut short passes for an answer without a document: how the run ended is in there, or nothing is said.
    if (error.code === "run_closed") this.close(error.members.run_status, error.members.closed_at);
    else if (error.code === "other_device") this.close("other_device");
    else if (error.status === 404 && error.code === "not_found") this.close("unknown");
    else return false;
    return true;
  }

  #take(state) {
    this.answers = Object.fromEntries(Object.entries(state.answers ?? {}).filter(([, answer]) => isTouched(answer)));
    this.signatures = state.signatures ?? {};
    this.run = state.run;
    this.#known = this.#newest = state.run.revision;
    this.shelf.take(state.photos ?? {}, this.answers);
    this.#evaluation = null;
    if (["completed", "cancelled", "expired"].includes(state.run.status)) this.close(state.run.status, state.run.closed_at);
  }

  #takeStep(stepId, step) {
    delete this.answers[stepId];
    if (isTouched(step)) this.answers[stepId] = step;
  }

  #takeRun(run) {
    this.run = { ...this.run, ...run };
    this.#newest = Math.max(this.#newest, run.revision);
    // A jump by more than one: somebody else wrote too, so the next poll must still bring everything.
    if (run.revision === this.#known + 1) this.#known = run.revision;
  }
}

/** The server names untouched steps too, without a value. */
function isTouched(answer) {
  return answer !== null && "value" in answer;
}
