// The run as this page knows it: the server's state, and over it this phone's unsent changes.
// Elements read from it, report the person's actions to it, and listen to its events:
//   "change" {step}         one step has changed (null: any of them) · "run": progress or sending has changed
//   "flush"                 save typed text now · "state" {before}: the server's answers have replaced these
//   "unstarted" {problem}   the server refused the start · "incomplete" {problem}: it refused the completion
//   "completed" {run, generation} · "closed" {kind, closedAt, reason, generation}
//   "elsewhere" {steps}: answered on another phone · "put-back": the server was restored to an older state
// It listens to the outbox and to the photo store, which do not know it.

import {
  answersIn, contentOf, endOf, evaluateLocal, flatten, givenAnswers, idOf, isAnswer, itemOf, nowUtc, photoRule,
  receiptsIn, remarkIn, remarkKey, resentContent, stepsIn,
} from "./rules.js";
import { PhotoStore } from "./photos/store.js";
import { lazyGeo } from "./steps/lazy_geo.js";
import { RunJob } from "./run_job.js";
import * as db from "./offline/db.js";
import { Unreachable, loadModuleOnce } from "./http.js";

export * from "./offline/drafts.js";
export * from "./offline/other_phones.js";

export class Session extends EventTarget {
  #local = new Map();       // step id or remark's key → {answer, item, problem}: newer than the server's
  #syncedRevision = 0;      // the revision up to which this page has seen every change of the run
  #highestRevision = 0;     // the highest revision seen
  #receipts = 0;            // number of receipts: those of photos and signatures have no revision
  #camera = null;           // {step, at}: the camera is open for this step; the phone may end the page
  #evaluation = null;
  #polls = 0;               // number of requests for the state, and of the newest one that was answered
  #answeredPoll = 0;
  #kept = null;             // the module kept.js, once it was needed
  #putBack = null;          // a saved state of another generation, until the server's is compared with it
  isSure = true;            // false while the server may have been restored to an older state: nothing is called safe
  lost = [];                // what a restored server lacks and this phone does not have (kept.js)

  constructor(state, outbox, drafts) {
    super();
    Object.assign(this, { outbox, drafts, template: state.template, organization: state.organization });
    this.hasReport = state.has_report ?? false;
    this.job = new RunJob(state.job, drafts.cleared);
    this.rows = flatten(state.template);
    this.stepById = new Map(stepsIn(this.rows).map((step) => [step.id, step]));
    this.photoStore = new PhotoStore(this.stepById, outbox, state.limits?.photo_bytes ?? Infinity);
    // shown: {pictures, step_pictures}, the template's pictures, known once the run is started
    Object.assign(this, { closed: null, geo: lazyGeo, shown: null });
    this.#applyState(state);
    outbox.isOpen = this.run.status !== "pending";
    outbox.confirm = () => this.#confirm();
    outbox.addEventListener("sent", ({ detail }) => this.#onSent(detail.item, detail.answer));
    outbox.addEventListener("refused", ({ detail }) => this.#onRefused(detail.item, detail.problem));
    outbox.addEventListener("restored", ({ detail }) => this.#onRestored(detail.items));
    outbox.addEventListener("removed", ({ detail }) => this.#onRemoved(detail.item));
    outbox.addEventListener("progress", ({ detail }) => this.changed(detail.item.key));
    outbox.addEventListener("change", () => this.emit("run"));
    this.photoStore.addEventListener("change", ({ detail }) => this.changed(detail.step));
    this.photoStore.addEventListener("answer", ({ detail }) => this.answerPhotos(detail.step));
    this.photoStore.addEventListener("camera-closed", () => this.noteCamera(null));
  }

  /** Restores the state that earlier visits left on this phone. → the id of the step whose photo was lost, or null. */
  async restore() {
    const [known] = await Promise.all([db.loadRun(this.run.run_id).catch(() => null), this.drafts.restore()]);
    const ahead = this.#compare(known?.state);
    if (known?.state?.job) this.job.take(ahead > 0 ? known.state.job : this.job.value, known.state.job);
    // At the page's revision the saved state may have more receipts; of later ones it may lack others' changes.
    if (!this.closed && ahead >= 0) this.#applyState({ ...known.state, job: this.job.value }, false);
    this.outbox.isOpen = this.run.status !== "pending";
    await this.outbox.sync();
    this.isSure &&= !this.#hasOtherGeneration();
    // A page may have died between keeping a photo and queueing its answer.
    if (this.isSure) this.answerUnlisted();
    // Or in the middle of a remark, which is saved however its dialog closes.
    for (const [key, text, replaces] of this.drafts.takeRemarks()) {
      if (text !== this.answerOf(key)?.value) this.answer(key, text, replaces);
    }
    this.#camera = known?.camera ?? null;
    this.save();
    this.changed(null);
    return this.stepById.has(this.#camera?.step) ? this.#camera.step : null;
  }

  /** → a positive number when the state that was saved on this phone, if there is one, is newer than the page's, a
   *  negative one when it is older. Of two generations the newer state counts until the server is asked. */
  #compare(saved) {
    if (!saved) return -1;
    const { generation = 0, server_time: heard = "", lost = [] } = saved;
    this.lost = lost;
    if (generation === this.generation) return saved.run.revision - this.run.revision;
    this.isSure = false;
    if (heard > this.server_time) return 1;
    this.#putBack = saved;
    return -1;
  }

  /** Answers the steps whose answer does not list all photos that this phone still has to send. */
  answerUnlisted() {
    for (const item of this.outbox.items.filter((one) => one.kind === "photo")) {
      const listed = this.answerOf(item.key)?.photos ?? [];
      if (this.photoStore.usable(item.key).some((photo) => !listed.includes(photo.id))) this.answerPhotos(item.key);
    }
  }

  /** True from the tap on Start, also before the server knows of the start. */
  get isBegun() {
    return this.run.status !== "pending" || this.outbox.hasItem("start");
  }

  /** True when the person has finished, and the server does not know of it yet. */
  get isFinished() {
    return this.outbox.hasItem("complete");
  }

  // The person's actions

  /** Answers a step. `replaces`: the id of the answer that the person saw while typing this one. */
  answer(stepId, value, replaces) {
    this.give(stepId, { value, skipped: false, unable: null, replaces });
  }

  skip = (id, replaces) => this.give(id, { value: null, skipped: true, unable: null, replaces });
  unable = (id, reason, replaces) => this.give(id, { value: null, skipped: false, unable: { reason }, replaces });

  /** Takes back an answer that the server has refused: the server's stays. */
  takeBack(stepId) {
    const kind = this.#local.get(stepId)?.item.kind;
    this.#local.delete(stepId); // before its item, which would be taken for one about which the person decides
    for (const item of this.outbox.neverSent(stepId, kind)) this.outbox.drop(item);
    this.changed(stepId);
  }

  /** Sends the step's answer again because its photos have changed, unless it is untouched or left out. The value stays
   *  that of another phone which has changed it meanwhile (other_phones.js). */
  answerPhotos(stepId) {
    const [step, local] = [this.stepById.get(stepId), this.#local.get(stepId)];
    const same = resentContent(step, this.answerOf(stepId), this.photoStore.isEnough(stepId));
    const replaces = step.type === "photo" ? undefined : this.otherPhones.answerIdOf(stepId);
    if (same) this.give(stepId, { ...same, replaces }, local ? local.item.isOfPhotos : true);
  }

  /** Signs a step. `png`: an ArrayBuffer; `key`: the step's id, or "" for the run's closing signature. */
  sign(key, png, typedName) {
    this.photoStore.sign(key, png, typedName);
    if (key) this.answer(key, null);
    else this.changed(null);
  }

  /** Sends a step's refused answer and signature again. */
  retry(stepId) {
    const items = this.outbox.refused.filter((item) => item.key === stepId && item.lane === "answers");
    for (const one of [this.#local.get(stepId), this.photoStore.signatures.get(stepId)]) if (one) one.problem = null;
    for (const item of items) this.outbox.retry(item);
    // The signature step's answer was sent without its signature.
    if (stepId && items.some((item) => item.kind === "signature")) this.answer(stepId, null);
    this.changed(stepId);
  }

  /** Queues the completion, which is sent after everything else. */
  complete() {
    if (this.isFinished) return;
    this.outbox.add({ lane: "last", key: "complete", kind: "complete", method: "POST", path: "/complete", body: {} });
  }

  /** Takes the completion back while it waits for the network. */
  keepWorking() {
    for (const item of this.outbox.items) if (item.kind === "complete") this.outbox.drop(item);
  }

  /** Notes that the camera is being opened for a step; null: it has returned a picture, or was closed. */
  noteCamera(stepId) {
    this.#camera = stepId ? { step: stepId, at: nowUtc() } : null;
    return this.save();
  }

  /** Saves typed text, and ends the search for a position: the page may be about to close. */
  flush() {
    this.emit("flush");
    this.geo.settle();
  }

  // The present state

  /** → the newest answer of a step, this phone's before the server's; null while untouched. */
  answerOf(stepId) {
    return this.#local.get(stepId)?.answer ?? this.answers[stepId] ?? null;
  }

  /** → this phone's unsent answer, {answer, item, problem}, or undefined. */
  localOf = (stepId) => this.#local.get(stepId);
  /** → a signature, {url, problem}, or null. */
  signatureOf = (key) => this.photoStore.signatures.get(key) ?? this.signatures[key] ?? null;

  /** → how safe a step's answer is: {kind: none | locating | here | saving | stuck | unkept | safe | attention,
   *  problem} */
  safetyOf(stepId) {
    const problem = this.#local.get(stepId)?.problem ?? this.photoStore.signatures.get(stepId)?.problem ?? null;
    if (problem) return { kind: "attention", problem };
    const unsent = this.outbox.unsent.filter((item) => item.key === stepId && item.lane === "answers");
    const kind = this.outbox.savedState(unsent);
    const stored = this.isSure ? "safe" : "saving";
    return { kind: kind === "none" && this.answers[stepId] ? stored : kind, problem: null };
  }

  /** → {steps, progress} of the run (checklist.js), computed once per change. */
  evaluate() {
    const signed = () => [...Object.keys(this.signatures), ...this.photoStore.signatures.keys()];
    return (this.#evaluation ??= evaluateLocal(this.template, (id) => this.answerOf(id), this.photoStore, signed()));
  }

  /** The rows of the steps that have a refused answer, photo or remark. */
  get needsAttention() {
    const isRefused = (id) => this.safetyOf(id).kind === "attention" || this.photoStore.refused(id).length;
    return this.rows.filter(({ step: { id } }) => isRefused(id) || isRefused(remarkKey(id)));
  }

  changed(stepId) {
    this.#evaluation = null;
    this.emit("change", { step: stepId });
  }

  emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Ends the run for this page. kind: completed | cancelled | expired | erased | unknown | other_device; `generation`:
   *  that of the database in which it ended. `isOurs`: true if this phone has completed it; null to conclude that from
   *  the queue, since the reply may have been lost. */
  close({ kind, closedAt = null, reason = null, generation = null }, isOurs = null) {
    if (this.closed) return;
    this.closed = kind;
    this.outbox.stop();
    const isDoneHere = this.isFinished && this.outbox.items.every((item) => item.kind === "complete");
    const isCompleted = isOurs ?? (kind === "completed" && isDoneHere);
    const run = { ...this.run, status: kind, closed_at: closedAt };
    if (isCompleted) this.emit("completed", { run, generation });
    else this.emit("closed", { kind, closedAt, reason, generation });
  }

  /** Fetches the server's state if it has changed, and the items of other tabs. `all`: fetches it in any case. */
  async poll(all = false) {
    if (this.closed) return;
    if (all) this.#syncedRevision = 0;
    this.outbox.sync();
    if ((this.run.status === "pending" && this.isSure) || this.outbox.isBackingOff) return;
    try {
      await this.#ask();
    } catch (error) {
      this.outbox.respectRetryAfter(error);
      this.closeIfOver(error);
    }
  }

  // Inside

  /** Fetches the server's state and takes it over; throws Problem or Unreachable. */
  async #ask() {
    const receipts = this.#receipts;
    const mine = (this.#polls += 1);
    const query = `since=${this.#hasOtherGeneration() ? 0 : this.#syncedRevision}&generation=${this.generation}`;
    const state = await this.outbox.request("GET", `/state?${query}`);
    if (mine < this.#answeredPoll || this.closed) return; // a later request was answered before
    this.#answeredPoll = mine;
    const isOther = state && this.#hasOtherGeneration(state.generation ?? 0);
    if (isOther) {
      await this.#prepareFor(state);
      if (mine < this.#answeredPoll || this.closed) return;
    }
    // A state from before a receipt that came meanwhile is outdated.
    if (state && receipts !== this.#receipts) return this.#ask();
    if (isOther) this.#takePutBack(state);
    else if (state && state.run.revision >= this.#highestRevision) this.#takeNewer(state);
    const wasSure = this.isSure;
    this.isSure = true;
    if (!wasSure) this.answerUnlisted(); // not before: what a restored server lacks may have been given for them
    if (state || !wasSure) this.emit("run");
  }

  /** True when this phone knows something of another generation that is not yet compared with the server's state. */
  #hasOtherGeneration(generation = this.generation) {
    return this.#putBack !== null || [this, ...this.outbox.marks].some((one) => one.generation !== generation);
  }

  #takeNewer(state) {
    const before = this.answers;
    this.#applyState(state);
    this.emit("state", { before });
    this.changed(null);
    this.save();
    const { marks } = this.outbox;
    if (marks.length || this.lost.length) this.#forget(state, marks).catch(() => {}); // else after the next state
  }

  async #forget(state, marks) {
    const { forget } = await loadModuleOnce("offline/kept");
    await forget(this, state, marks);
  }

  /** Queues again what the `state` of a server lacks that was restored to an older state. */
  async #prepareFor(state) {
    this.#doubt();
    this.outbox.isOpen = state.run.status !== "pending";
    this.#kept = await loadModuleOnce("offline/kept").catch(() => {
      throw new Unreachable("no module");
    });
    await this.#kept.sendAgain(this, state, (this.#putBack ?? this).run.status !== "pending");
  }

  /** Takes over the state of a server that was restored to an older state. */
  #takePutBack(state) {
    const known = db.runRecord(this, null, this.#putBack).state;
    this.#putBack = null;
    this.#applyState(state);
    this.photoStore.forgetSeen();
    this.answerUnlisted();
    this.lost = this.#kept.findLost(this, known, state);
    if (this.lost.length) this.keepWorking(); // whoever finished has seen what is lost now
    this.changed(null);
    this.save();
    this.emit("put-back");
  }

  /** Stops calling anything safe until the server's state is known. */
  #doubt() {
    this.isSure = false;
    this.photoStore.doubt();
    this.changed(null);
  }

  /** Before the completion, → whether the server has all that this page knows of; throws Problem or Unreachable. */
  async #confirm() {
    await this.#ask();
    return this.isSure && !this.closed && this.outbox.items.every((item) => item.lane === "last");
  }

  /** Queues an answer: {value, skipped, unable, replaces}. `isOfPhotos`: only the step's photos have changed. */
  give(stepId, content, isOfPhotos = false) {
    const step = this.stepById.get(stepId);
    const said = photoRule(step) && this.photoStore.photoLists(step.id);
    const fresh = itemOf(step, content, said, nowUtc());
    const { kind, body } = fresh;
    const isGivenUp = ({ kind, version }) => kind !== "photo" || said?.missing_photos.includes(version);
    this.lost = this.lost.filter((one) => one.key !== stepId || !isGivenUp(one));
    const last = this.#local.get(step.id)?.item;
    // An unsent answer is dropped, so this one replaces the answer before it.
    const isGone = last && (last.tries === 0 || last.state === "refused");
    if (isGone && body.replaces === idOf(last.body)) body.replaces = last.body.replaces;
    const hold = Boolean(step.geo) && "value" in body; // until its position is known
    const replaced = this.outbox.neverSent(step.id, kind);
    const onKept = this.drafts.takeDeletion(step.id);
    const item = this.outbox.add({ ...fresh, hold, isOfPhotos }, { replaced, onKept });
    this.#local.set(step.id, { answer: { ...content, photos: said?.photos ?? [], geo: null }, item, problem: null });
    if (hold) this.#locate(item);
    this.changed(step.id);
  }

  /** Adds the phone's position to an item on hold, or null, and ends its hold. */
  async #locate(item) {
    const fix = (await (await this.geo.load())?.sample()) ?? null;
    this.outbox.update(item, { body: { ...item.body, geo: fix }, hold: false });
    this.changed(item.key);
  }

  #onSent(item, answer) {
    this.#receipts += 1;
    const isOther = (answer.generation ?? 0) !== this.generation;
    if (isOther) this.#doubt();
    if (answer.run) this.#applyRun(answer.run);
    if (answer.step) this.answers = givenAnswers({ ...this.answers, [answer.step.step_id]: answer.step });
    if (answer.remark) this.answers[item.key] = remarkIn(answer.remark);
    if (answer.pictures) this.shown = answer;
    if (answer.job) this.job.take(answer.job);
    if (item.kind === "start") {
      this.outbox.isOpen = true;
    } else if (item.kind === "complete") {
      return this.close({ kind: "completed", closedAt: this.run.closed_at, generation: answer.generation ?? 0 }, true);
    } else if (isAnswer(item)) {
      if (this.#local.get(item.key)?.item === item) this.#local.delete(item.key);
    } else if (item.kind === "signature") {
      this.signatures[item.key] = answer;
    } else {
      this.photoStore.markSent(item, answer);
    }
    this.changed(answer.pictures ? null : item.key);
    this.save();
    // The receipt names photos of another phone, which are to be shown.
    if (isOther || !this.photoStore.hasSeen(item.key, (answer.step ?? answer.remark)?.photos ?? [])) this.poll(true);
  }

  #onRefused(item, problem) {
    if (item.kind === "delete" && problem.status === 404) {
      this.outbox.drop(item); // already deleted
    } else if (problem.code === "not_started" && item.kind !== "start") {
      this.outbox.startAgain(item); // released from its device: the next start takes it over
    } else if (this.closeIfOver(problem)) {
      return;
    } else if (item.kind === "start") {
      this.outbox.drop(item);
      this.emit("unstarted", { problem });
    } else if (item.kind === "complete") {
      this.outbox.drop(item);
      this.emit("incomplete", { problem });
    } else if (isAnswer(item)) {
      if (this.#local.get(item.key)?.item === item) this.#local.get(item.key).problem = problem;
    } else {
      this.photoStore.markRefused(item, problem);
    }
    this.changed(item.key);
  }

  /** Takes over the items of an earlier visit or another tab, and kept ones that the server lacks. */
  #onRestored(items) {
    const isReplaced = ({ lane, key, kind, seq }) => lane === "answers" &&
      this.outbox.items.some((item) => item.key === key && item.kind === kind && item.seq > seq);
    for (const item of items.filter((one) => !isReplaced(one))) {
      if (!isAnswer(item)) this.photoStore.restore(item);
      else this.#local.set(item.key, { answer: contentOf(item.body), item, problem: item.problem });
    }
    this.changed(null);
    this.emit("run");
  }

  #onRemoved(item) {
    if (this.#local.get(item.key)?.item === item) this.#local.delete(item.key);
    if (item.kind === "photo") this.photoStore.detach(item);
    this.#syncedRevision = 0; // the server's state of it was skipped while the item was on this phone
    if (item.kind === "start") this.outbox.isOpen = true;
    this.changed(item.key);
    // Another tab has the receipt; this one asks the server.
    if (item.kind === "start" || this.run.status === "pending") this.run.status = "in_progress";
    this.poll();
  }

  /** Saves the run on the phone, so that a reload without network shows it; of two generations the state with which the
   *  server's is still to be compared. */
  save() {
    return db.saveRun(() => (this.closed ? null : db.runRecord(this, this.#camera, this.#putBack)));
  }

  /** Closes the run when an error says that it is over for this page. → true when it does. */
  closeIfOver(error) {
    const end = endOf(error);
    if (end) this.close(end);
    return end !== null;
  }

  /** Replaces the server's state. `isWhole`: false for a saved state, which may lack other phones' changes. */
  #applyState(state, isWhole = true) {
    this.answers = answersIn(state);
    Object.assign(this, { signatures: state.signatures ?? {}, run: state.run, generation: state.generation ?? 0 });
    this.server_time = state.server_time ?? this.server_time;
    if (state.pictures) this.shown = state;
    this.job.take(state.job);
    this.#highestRevision = state.run.revision;
    this.#syncedRevision = isWhole && this.job.isComplete ? state.run.revision : 0;
    this.photoStore.update(receiptsIn(state), this.answers);
    this.#evaluation = null;
    const { status, closed_at: closedAt } = state.run;
    const { generation } = this;
    if (["completed", "cancelled", "expired"].includes(status)) this.close({ kind: status, closedAt, generation });
  }

  #applyRun(run) {
    this.run = { ...this.run, ...run };
    this.#highestRevision = Math.max(this.#highestRevision, run.revision);
    // A jump by more than one means that another phone has written, so the next poll must fetch everything.
    if (run.revision === this.#syncedRevision + 1) this.#syncedRevision = run.revision;
  }
}
