// What time it is: this phone's clock, corrected by the server's as live answers have said it. A page that comes from
// this phone's storage, or a time that was written down before, says nothing of now.
// What is queued before the first live answer keeps the phone's time with a mark, and is corrected when it is sent.

const MAX_TRIP_MS = 10_000;          // of an exchange that says what time it is
const JITTER_MS = 2000;              // the header Date has whole seconds
const LEAST_SKEW_SECONDS = 300;      // from which the server is told that this phone's clock is off
const MOST_SKEW_SECONDS = 4e9;
const MOVED_BACK_MS = 60_000;        // beside the time that passed: the clock was set back
const MOVED_AHEAD_MS = 172_800_000;  // two days: set ahead, where less may be a phone's sleep, in which no time passes

let ahead = null;      // ms by which this phone's clock is ahead of the server's
let hasAsked = false;

/** `date`: the header Date of a live answer (RFC 9110 section 6.6.1), `tripMs` after the request. */
export function learnTime(date, tripMs) {
  const server = Date.parse(date ?? "");
  if (Number.isNaN(server) || tripMs > MAX_TRIP_MS) return;
  const measured = Date.now() - tripMs / 2 - (server + 500);
  if (ahead === null || Math.abs(measured - ahead) > JITTER_MS + tripMs / 2) ahead = measured;
}

/** The present time, as the wire writes it. */
export function nowUtc() {
  return wireTime(Date.now() - (ahead ?? 0));
}

/** When something is queued, for `correct`; null where times are right already. */
export function clockMark() {
  return ahead === null ? { at: Date.now(), ran: performance.now(), page: performance.timeOrigin } : null;
}

/** Says of the newest answer to a step that its value is the present time, or day, as this phone has it. */
export function markNow(outbox, stepId) {
  const [item] = outbox.items.filter((one) => one.kind === "answer" && one.key === stepId).slice(-1);
  if (item?.clock) outbox.update(item, { isNow: true });
}

/** Corrects the times of an item that was queued before the server's was known; `ask` gets a live answer. */
export async function correct(item, ask) {
  const { clock, body, query } = item;
  const isTimed = query?.taken_at_from === "camera" || Boolean(body?.answered_at);
  if (!clock || !isTimed) return;
  if (ahead === null && !hasAsked) {
    await ask().catch(unlessRefused);
    hasAsked = true;
  }
  if (ahead === null) return;
  const made = timeOf(clock);
  const moved = (time) => wireTime(made + Date.parse(time) - clock.at);
  item.clock = null;
  if (query?.taken_at_from === "camera") {
    item.query = { ...query, taken_at: moved(query.taken_at) };
    const [path, said] = item.path.split("?");
    const parameters = new URLSearchParams(said);
    parameters.set("taken_at", item.query.taken_at);
    item.path = `${path}?${parameters}`;
  }
  if (!body?.answered_at) return;
  item.body = { ...body, answered_at: moved(body.answered_at) };
  if (item.isNow) item.body.value = body.value.length === 10 ? localDay(made) : `${wireTime(made).slice(0, 17)}00Z`;
}

/** The body of an item, with how far this phone's clock is ahead where it is far. */
export function withSkew({ kind, body }) {
  const seconds = Math.round((ahead ?? 0) / 1000);
  if (!["start", "answer"].includes(kind) || Math.abs(seconds) < LEAST_SKEW_SECONDS) return body;
  return { ...body, clock_skew_seconds: Math.max(-MOST_SKEW_SECONDS, Math.min(MOST_SKEW_SECONDS, seconds)) };
}

/** The server's time of a mark. Where the clock was set in between, by the time that has passed since. */
function timeOf({ at, ran, page }) {
  const now = Date.now() - ahead;
  const passed = performance.now() - ran;
  const jumped = Date.now() - at - passed;
  const isSet = page === performance.timeOrigin && (jumped < -MOVED_BACK_MS || jumped > MOVED_AHEAD_MS);
  return isSet ? now - passed : Math.min(now, at - ahead);
}

/** A refusal is an answer, too; where nobody was there, the item is not sent either. */
function unlessRefused(error) {
  if (!error.status) throw error;
}

function wireTime(ms) {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function localDay(ms) {
  const day = new Date(ms);
  return new Date(Date.UTC(day.getFullYear(), day.getMonth(), day.getDate())).toISOString().slice(0, 10);
}
