// The present time: this phone's clock, corrected by the server's time in live responses. A page from this phone's
// storage, or a time written down earlier, does not tell the present time.
// An item queued before the first live response keeps the phone's time with a mark, and is corrected when it is sent.

const MAX_TRIP_MS = 10_000;          // of an exchange whose Date is used
const JITTER_MS = 2000;              // the header Date has whole seconds
const LEAST_SKEW_SECONDS = 300;      // from which the server is told of the skew
const MOST_SKEW_SECONDS = 4e9;
const MOVED_BACK_MS = 60_000;        // besides the time passed: the clock was set back
const MOVED_AHEAD_MS = 172_800_000;  // two days: the clock was set ahead. Less may be sleep, in which
                                     // performance.now() stands still

let ahead = null;      // ms by which this phone's clock is ahead of the server's
let hasAsked = false;

/** Corrects the clock by the Date header of a live response (RFC 9110 section 6.6.1), received `tripMs` after the
 *  request. */
export function learnTime(date, tripMs) {
  const server = Date.parse(date ?? "");
  if (Number.isNaN(server) || tripMs > MAX_TRIP_MS) return;
  const measured = Date.now() - tripMs / 2 - (server + 500);
  if (ahead === null || Math.abs(measured - ahead) > JITTER_MS + tripMs / 2) ahead = measured;
}

/** → the present time in the wire's form. */
export function nowUtc() {
  return wireTime(Date.now() - (ahead ?? 0));
}

/** → a mark of the moment an item is queued, for `correctTimes`; null once the server's time is known. */
export function clockMark() {
  return ahead === null ? { at: Date.now(), ran: performance.now(), page: performance.timeOrigin } : null;
}

/** Marks that the value of a step's newest answer is the present time or day by this phone's clock. */
export function markNow(outbox, stepId) {
  const [item] = outbox.items.filter((one) => one.kind === "answer" && one.key === stepId).slice(-1);
  if (item?.clock) outbox.update(item, { isNow: true });
}

/** Corrects the times of an item that was queued before the server's time was known. `ask()` makes a request for it;
 *  rejects when `ask` got no response. */
export async function correctTimes(item, ask) {
  const { clock, body, query } = item;
  const isTimed = query?.taken_at_from === "camera" || Boolean(body?.answered_at);
  if (!clock || !isTimed) return;
  if (ahead === null && !hasAsked) {
    await ask().catch((error) => {
      if (!error.status) throw error; // no answer at all: the item cannot be sent now either
    });
    hasAsked = true;
  }
  if (ahead === null) return;
  const made = serverTime(clock);
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

/** → the body to send for an item, with `clock_skew_seconds` when this phone's clock is 5 minutes or more off. */
export function sentBody({ kind, body }) {
  const seconds = Math.round((ahead ?? 0) / 1000);
  if (!["start", "answer"].includes(kind) || Math.abs(seconds) < LEAST_SKEW_SECONDS) return body;
  return { ...body, clock_skew_seconds: Math.max(-MOST_SKEW_SECONDS, Math.min(MOST_SKEW_SECONDS, seconds)) };
}

/** → the server's time of a mark, in ms. Where the phone's clock was set since, by the time passed since the mark. */
function serverTime({ at, ran, page }) {
  const now = Date.now() - ahead;
  const passed = performance.now() - ran;
  const jumped = Date.now() - at - passed;
  const isSet = page === performance.timeOrigin && (jumped < -MOVED_BACK_MS || jumped > MOVED_AHEAD_MS);
  return isSet ? now - passed : Math.min(now, at - ahead);
}

/** → a time in the wire's form: UTC in whole seconds. */
function wireTime(ms) {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** → the day of a time in the phone's time zone, YYYY-MM-DD. */
function localDay(ms) {
  const day = new Date(ms);
  return new Date(Date.UTC(day.getFullYear(), day.getMonth(), day.getDate())).toISOString().slice(0, 10);
}
