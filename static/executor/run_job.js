// What a run is about, as this page knows it: {title, due_at, fields: [{id, label, kind, value}], note, prefill}. Until
// the server knows of the start there are neither note nor prefill, and only the fields that are for anybody. In the
// page itself secrets have no values; those come with the state. No DOM.

const NOTHING = { title: null, due_at: null, fields: [] };
// A tap on what is chosen already says nothing, so what is proposed for these is not chosen.
const TAPPED_TYPES = new Set(["boolean", "choice", "rating"]);

/** Events: "change" {isMore}: the server said something else; `isMore`: the rest, which it keeps back before Start. */
export class RunJob extends EventTarget {
  #labels = new Map();   // of fields by their ids, as the page has them: the server's are in the run's language

  /** `cleared`: the ids of the steps whose proposal was cleared on this phone (drafts.js). */
  constructor(job, cleared) {
    super();
    Object.assign(this, { value: NOTHING, cleared });
    this.take(job, job);
  }

  /** Takes what the server says, and notes in `news` what differs from `before`. */
  take(job = NOTHING, before = this.value) {
    const known = new Map(before.fields.map(({ id, value }) => [id, value]));
    for (const { id, label } of job.fields) if (!this.#labels.has(id)) this.#labels.set(id, label);
    const whole = ({ id, kind, value }) =>
      ({ id, label: this.#labels.get(id), kind, value: value ?? known.get(id) ?? null });
    const isMore = "note" in job && !("note" in before);
    const old = JSON.stringify(this.value);
    this.isWhole = job.fields.every(({ value }) => value !== null);
    this.value = { ...job, fields: job.fields.map(whole) };
    this.news = [...new Set([...(this.news ?? []), ...changes(before, this.value)])];
    if (JSON.stringify(this.value) !== old) this.dispatchEvent(new CustomEvent("change", { detail: { isMore } }));
  }

  /** Whether there is anything to show. */
  get isThere() {
    const { title, due_at: dueAt, fields, note, prefill } = this.value;
    return Boolean(title || dueAt || note || fields.length || Object.keys(prefill ?? {}).length);
  }

  /** False until the server has told what it keeps back before Start. */
  get isStarted() {
    return "note" in this.value;
  }

  /** What is proposed as the answer of a step; undefined where nothing is, or it was cleared. */
  proposed(stepId) {
    return this.cleared.has(stepId) ? undefined : this.value.prefill?.[stepId];
  }

  /** What the control of a step without an answer shows: {value}, or null. */
  proposal({ id, type }) {
    const value = this.proposed(id);
    return value === undefined || TAPPED_TYPES.has(type) ? null : { value };
  }
}

/** → what differs: "title", "due_at", "note", and labels of fields. */
function changes(before, after) {
  const isWhole = "note" in before && "note" in after;
  const found = ["title", "due_at", ...(isWhole ? ["note"] : [])].filter((name) => before[name] !== after[name]);
  const old = new Map(before.fields.map(({ id, value }) => [id, value]));
  const now = new Set(after.fields.map(({ id }) => id));
  // A secret that is not there yet differs from nothing.
  const isOther = ({ id, value }) =>
    (old.has(id) ? old.get(id) !== null && value !== null && old.get(id) !== value : isWhole);
  const differing = [...after.fields.filter(isOther), ...before.fields.filter(({ id }) => !now.has(id))];
  return [...found, ...differing.map(({ label }) => label)];
}
