// The run's job as this page knows it: {title, due_at, fields: [{id, label, kind, value}], note, prefill}. Until the
// server knows of the start, note, prefill and all fields but the public ones are missing. In the page secrets have no
// values; those come with the state. No DOM.

const NOTHING = { title: null, due_at: null, fields: [] };
// A tap on a chosen radio button has no effect, so the proposals of these types are not chosen in advance.
const TAP_TYPES = new Set(["boolean", "choice", "rating"]);

/** Events: "change" {isMore}: the job has changed; `isMore`: the rest has come, which the server keeps back before
 *  Start. */
export class RunJob extends EventTarget {
  #labels = new Map();   // field id → its label in the page's language: the state's are in the run's language

  /** `cleared`: the ids of the steps whose proposal was cleared on this phone (drafts.js). */
  constructor(job, cleared) {
    super();
    Object.assign(this, { value: NOTHING, cleared });
    this.take(job, job);
  }

  /** Takes over the server's job, and adds to `news` what differs from `before`. */
  take(job = NOTHING, before = this.value) {
    const known = new Map(before.fields.map(({ id, value }) => [id, value]));
    for (const { id, label } of job.fields) if (!this.#labels.has(id)) this.#labels.set(id, label);
    const whole = ({ id, kind, value }) =>
      ({ id, label: this.#labels.get(id), kind, value: value ?? known.get(id) ?? null });
    const isMore = "note" in job && !("note" in before);
    const old = JSON.stringify(this.value);
    this.isComplete = job.fields.every(({ value }) => value !== null);
    this.value = { ...job, fields: job.fields.map(whole) };
    this.news = [...new Set([...(this.news ?? []), ...changes(before, this.value)])];
    if (JSON.stringify(this.value) !== old) this.dispatchEvent(new CustomEvent("change", { detail: { isMore } }));
  }

  /** True when there is anything to show. */
  get hasContent() {
    const { title, due_at: dueAt, fields, note, prefill } = this.value;
    return Boolean(title || dueAt || note || fields.length || Object.keys(prefill ?? {}).length);
  }

  /** True once the server has sent the rest of the job, which it keeps back before Start. */
  get isStarted() {
    return "note" in this.value;
  }

  /** → the proposed value of a step; undefined when there is none, or it was cleared. */
  proposed(stepId) {
    return this.cleared.has(stepId) ? undefined : this.value.prefill?.[stepId];
  }

  /** → the proposal that an unanswered step's control shows, {value}, or null. */
  proposal({ id, type }) {
    const value = this.proposed(id);
    return value === undefined || TAP_TYPES.has(type) ? null : { value };
  }
}

/** → the differences between two jobs: "title", "due_at", "note", and labels of fields. A job of before Start lacks
 *  fields that one of after it has; it comes after it from a server that was restored. */
function changes(before, after) {
  const isWhole = "note" in before && "note" in after;
  const found = ["title", "due_at", ...(isWhole ? ["note"] : [])].filter((name) => before[name] !== after[name]);
  const old = new Map(before.fields.map(({ id, value }) => [id, value]));
  const now = new Set(after.fields.map(({ id }) => id));
  // A secret without its value is not compared.
  const isOther = ({ id, value }) =>
    (old.has(id) ? old.get(id) !== null && value !== null && old.get(id) !== value : isWhole);
  const isGone = ({ id }) => !now.has(id) && ("note" in after || !("note" in before));
  const differing = [...after.fields.filter(isOther), ...before.fields.filter(isGone)];
  return [...found, ...differing.map(({ label }) => label)];
}
