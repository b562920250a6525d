// The request bodies of answers and remarks, with their ids and times.
//
// A remark is kept as the answer of an additional step, whose id (`remarkKey`) no real step has; its text is the value.

/** → a UUIDv4, also over plain http, where crypto.randomUUID is missing. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** → the body of an answer's PUT. `said`: {photos, seen_photos, missing_photos}, the ids of the answer's photos, of
 *  others that this phone has shown, and of those known to be missing; null for a step without photos. `now`: a time of
 *  the wire. `replaces`: the id of the answer that the person saw, null for none, undefined where the server need not
 *  compare. */
export function bodyOf({ value, skipped, unable, replaces }, said, now) {
  const body = { answer_id: uuid(), ...(replaces === undefined ? {} : { replaces }) };
  if (skipped) return { ...body, skipped, ...(said ? { seen_photos: Object.values(said).flat() } : {}) };
  if (unable) return { ...body, unable };
  return { ...body, value, geo: null, answered_at: now, ...said };
}

/** → the answer, or the remark, in a body of the wire: {value, skipped, unable, photos, geo}. */
export function contentOf({ text = null, value = text, skipped = false, unable = null, photos = [], geo = null }) {
  return { value, skipped, unable, photos, geo };
}

/** → {step id: answer} without the untouched steps, which the server lists without a value. */
export function givenAnswers(answers) {
  return Object.fromEntries(Object.entries(answers).filter(([, answer]) => answer !== null && "value" in answer));
}

/** → the end of the run that an error reports, {kind, closedAt, reason, generation}, or null. A response whose head was
 *  cut short has no problem document, and reports no end. */
export function endOf({ status, code, members }) {
  const { run_status: kind, closed_at: closedAt, reason, generation = 0 } = members ?? {};
  if (code === "run_closed") return { kind, closedAt, reason, generation };
  if (code === "run_erased") return { kind: "erased", closedAt: members.erased_at };
  if (code === "other_device") return { kind: code, generation };
  return status === 404 && code === "not_found" ? { kind: "unknown" } : null;
}

/** → the content to send again after a step's photos have changed, {value, skipped, unable}; null for an untouched step
 *  or one left out. `isEnough`: the step has its minimum of photos. */
export function resentContent(step, answer, isEnough) {
  const given = (value) => ({ value, skipped: false, unable: null });
  if (step.type === "remark") return given(answer?.value ?? "");
  if (step.type === "photo") return isEnough ? given(null) : null;
  return answer && !isLeftOut(answer) ? given(answer.value) : null;
}

/** True for a step answered by typing: an answer of it never replaces another phone's unseen. */
export function isTyped({ type }) {
  return ["text", "number", "barcode", "datetime"].includes(type);
}

/** True for an answer that leaves the step out: skipped, or "I can't do this". */
export function isLeftOut(answer) {
  return Boolean(answer?.skipped || answer?.unable);
}

/** → the id of an answer or a remark, also of its body; null for none. */
export function idOf(one) {
  return one?.answer_id ?? one?.remark_id ?? null;
}

/** True for an outbox item with an answer or a remark. */
export function isAnswer({ kind }) {
  return kind === "answer" || kind === "remark";
}

/** → the key of a step's remark, which stands where a step's id could. */
export function remarkKey(stepId) {
  return `remark ${stepId}`;
}

/** → the id of the step that a key belongs to: a step's id, or the key of its remark. */
export function stepIdOf(key) {
  return key.replace(/^remark /, "");
}

/** → the steps of a checklist, followed by one additional step for the remark on each. */
export function stepsIn(rows) {
  const steps = rows.map(({ step }) => step);
  const remark = ({ id, label }) => ({ id: remarkKey(id), type: "remark", label, photo: { max: 10 } });
  return [...steps, ...steps.map(remark)];
}

/** → the outbox item of an answer or a remark. `said` and `now` as in `bodyOf`. */
export function itemOf(step, content, said, now) {
  const item = { lane: "answers", key: step.id, method: "PUT" };
  const path = `/steps/${stepIdOf(step.id)}`;
  if (step.type !== "remark") return { ...item, kind: "answer", path, body: bodyOf(content, said, now) };
  const { photos, seen_photos: seen, missing_photos: missing } = said;
  const body = { remark_id: uuid(), text: content.value, photos, seen_photos: [...seen, ...missing] };
  if (content.replaces !== undefined) body.replaces = content.replaces;
  return { ...item, kind: "remark", path: `${path}/remark`, body };
}

/** True for a remark with text or photos; one without either was taken back. */
export function isNoted(remark) {
  return Boolean(remark && (remark.value || remark.photos?.length));
}

/** → a remark of the server as an answer, {value, skipped, unable, photos, geo, remark_id, at}. */
export function remarkIn(remark) {
  return { ...contentOf(remark), remark_id: remark.remark_id, at: remark.at };
}

/** → the answers and remarks in the server's state, {key: content}, without untouched steps. */
export function answersIn(state) {
  const remarks = Object.entries(state.remarks ?? {}).map(([id, remark]) => [remarkKey(id), remarkIn(remark)]);
  return { ...givenAnswers(state.answers ?? {}), ...Object.fromEntries(remarks) };
}

/** → the photo receipts in the server's state, {key: [receipt]}. */
export function receiptsIn(state) {
  const ofRemarks = Object.entries(state.remark_photos ?? {}).map(([id, receipts]) => [remarkKey(id), receipts]);
  return { ...state.photos, ...Object.fromEntries(ofRemarks) };
}
