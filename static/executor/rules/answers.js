// The bodies that carry an answer or a remark to the server, with the ids and times in them.
//
// A remark is kept as the answer of a step of its own, under a key that no step has for its id: its text is the value.

/** A UUIDv4, also where the page came over plain http and crypto.randomUUID is missing. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The body of the PUT of an answer, given at `now`; `said` is {photos, seen_photos, missing_photos}: those it has,
 *  others that were seen, and those that were seen to be missing; null for a step that takes none. `replaces`: the id
 *  of the answer that the person saw, null for none; undefined where that does not matter. */
export function bodyOf({ value, skipped, unable, replaces }, said, now) {
  const body = { answer_id: uuid(), ...(replaces === undefined ? {} : { replaces }) };
  if (skipped) return { ...body, skipped, ...(said ? { seen_photos: Object.values(said).flat() } : {}) };
  if (unable) return { ...body, unable };
  return { ...body, value, geo: null, answered_at: now, ...said };
}

/** The answer in such a body, or the remark. */
export function contentOf({ text = null, value = text, skipped = false, unable = null, photos = [], geo = null }) {
  return { value, skipped, unable, photos, geo };
}

/** Those of {step id: answer} that say something: the server names untouched steps too, without a value. */
export function touched(answers) {
  return Object.fromEntries(Object.entries(answers).filter(([, answer]) => answer !== null && "value" in answer));
}

/** How the run has ended for this page, where an error says so: {kind, closedAt, reason}; else null. An answer whose
 *  head was cut short comes without its problem document, and then says nothing of the run. */
export function endOf({ status, code, members }) {
  if (code === "run_closed") return { kind: members.run_status, closedAt: members.closed_at, reason: members.reason };
  if (code === "run_erased") return { kind: "erased", closedAt: members.erased_at };
  if (code === "other_device") return { kind: code, closedAt: null };
  return status === 404 && code === "not_found" ? { kind: "unknown", closedAt: null } : null;
}

/** What a step's answer says once its photos have changed: {value, skipped, unable}; null where it says nothing yet, or
 *  that the step was left out. `isEnough`: there are as many photos as are needed. */
export function sameAnswer(step, answer, isEnough) {
  const given = (value) => ({ value, skipped: false, unable: null });
  if (step.type === "remark") return given(answer?.value ?? "");
  if (step.type === "photo") return isEnough ? given(null) : null;
  return answer && !isLeftOut(answer) ? given(answer.value) : null;
}

/** True for a step whose answer says something beside its photos. */
export function hasValue({ type }) {
  return type !== "photo" && type !== "remark";
}

/** True for a step in which something is typed: one answer of it never replaces another unseen. */
export function isTyped({ type }) {
  return ["text", "number", "barcode", "datetime"].includes(type);
}

/** True for an answer that says that the step was left out: skipped, or "I can't do this". */
export function isLeftOut(answer) {
  return Boolean(answer?.skipped || answer?.unable);
}

/** Kinds of items that are an answer, or a remark. */
export const ANSWERS = new Set(["answer", "remark"]);

/** The key of a step's remark. */
export function remarkKey(stepId) {
  return `remark ${stepId}`;
}

/** The id of the step that a key is about: its own, or its remark's. */
export function stepIdOf(key) {
  return key.replace(/^remark /, "");
}

/** The steps of a checklist, and behind them one for the remark on each. */
export function stepsIn(rows) {
  const steps = rows.map(({ step }) => step);
  const remark = ({ id, label }) => ({ id: remarkKey(id), type: "remark", label, photo: { max: 10 } });
  return [...steps, ...steps.map(remark)];
}

/** The item of the outbox with an answer of a step, given at `now`, or a remark; `said` of photos as for `bodyOf`. */
export function itemOf(step, content, said, now) {
  const item = { lane: "answers", key: step.id, method: "PUT" };
  const path = `/steps/${stepIdOf(step.id)}`;
  if (step.type !== "remark") return { ...item, kind: "answer", path, body: bodyOf(content, said, now) };
  const { photos, seen_photos: seen, missing_photos: missing } = said;
  const body = { remark_id: uuid(), text: content.value, photos, seen_photos: [...seen, ...missing] };
  return { ...item, kind: "remark", path: `${path}/remark`, body };
}

/** True for a remark that says something: one without text and photos was taken back. */
export function isNoted(remark) {
  return Boolean(remark && (remark.value || remark.photos?.length));
}

/** {key: answer or remark} in the server's state, of what is touched. */
export function answersIn(state) {
  const remarks = Object.entries(state.remarks ?? {}).map(([id, remark]) => [remarkKey(id), contentOf(remark)]);
  return { ...touched(state.answers ?? {}), ...Object.fromEntries(remarks) };
}

/** {key: [receipt]} of the photos in the server's state. */
export function receiptsIn(state) {
  const ofRemarks = Object.entries(state.remark_photos ?? {}).map(([id, receipts]) => [remarkKey(id), receipts]);
  return { ...state.photos, ...Object.fromEntries(ofRemarks) };
}
