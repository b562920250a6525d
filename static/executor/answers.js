// The bodies that carry an answer to the server, with the ids and times in them.

/** A UUIDv4, also where the page came over plain http and crypto.randomUUID is missing. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The present time, as the wire writes it. */
export function nowUtc() {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

/** The body of the PUT of an answer; `photos` is null for a step that takes none. `replaces`: the id of the answer that
 *  the person saw, null for none; undefined where that does not matter. */
export function bodyOf({ value, skipped, unable, replaces }, photos) {
  const body = { answer_id: uuid(), ...(replaces === undefined ? {} : { replaces }) };
  if (skipped) return { ...body, skipped };
  if (unable) return { ...body, unable };
  return { ...body, value, geo: null, answered_at: nowUtc(), ...(photos ? { photos } : {}) };
}

/** The answer in such a body. */
export function contentOf({ value = null, skipped = false, unable = null, photos = [], geo = null }) {
  return { value, skipped, unable, photos, geo };
}

/** The server names untouched steps too, without a value. */
export function isTouched(answer) {
  return answer !== null && "value" in answer;
}

/** How the run has ended for this page, where an error says so: {kind, closedAt, reason}; else null. An answer whose
 *  head was cut short comes without its problem document, and then says nothing of the run. */
export function endOf({ status, code, members }) {
  if (code === "run_closed") return { kind: members.run_status, closedAt: members.closed_at, reason: members.reason };
  if (code === "other_device") return { kind: code, closedAt: null };
  return status === 404 && code === "not_found" ? { kind: "unknown", closedAt: null } : null;
}
