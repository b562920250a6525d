// Where the phone is, when a step asks for it. Never blocks: every way this can fail ends in null.

const SEARCH_TIMEOUT_MS = 20_000;
const GOOD_METRES = 25;      // accuracy at which the search ends
const MAX_AGE_MS = 15_000;   // of a fix that is used again, so that ten quick taps do not mean ten searches

let search = null;
let last = null;
let refused = false;

/** Whether positions can be had: "yes", "insecure" (browsers give no position over plain http), "refused" or "none". */
export function availability() {
  if (!("geolocation" in navigator)) return "none";
  if (!isSecureContext) return "insecure";
  return refused ? "refused" : "yes";
}

/** → the newest fix while it is fresh, else null. */
export function recent() {
  return last && Date.now() - last.found < MAX_AGE_MS ? last.fix : null;
}

/** → {lat, lng, accuracy} (degrees, degrees, metres) or null, after 20 s at most. Call it from a tap. */
export function sample() {
  if (availability() === "none" || availability() === "insecure") return Promise.resolve(null);
  const fix = recent();
  if (fix && fix.accuracy <= GOOD_METRES) return Promise.resolve(fix);
  search ??= look();
  return search.promise;
}

/** Ends a search with what it has: the page is about to be hidden and must send its answers now. */
export function settle() {
  search?.finish();
}

function look() {
  let best = null;
  let finish;
  const promise = new Promise((resolve) => {
    let watch = null;
    finish = () => {
      clearTimeout(timer);
      if (watch !== null) navigator.geolocation.clearWatch(watch);
      search = null;
      resolve(best);
    };
    const timer = setTimeout(finish, SEARCH_TIMEOUT_MS);
    watch = navigator.geolocation.watchPosition(
      ({ coords }) => {
        refused = false;
        const [lat, lng] = [round(coords.latitude, 7), round(coords.longitude, 7)];
        const fix = { lat, lng, accuracy: round(coords.accuracy, 1) };
        if (!best || fix.accuracy <= best.accuracy) best = fix;
        last = { fix: best, found: Date.now() };
        if (best.accuracy <= GOOD_METRES) finish();
      },
      (error) => {
        refused = error.code === error.PERMISSION_DENIED;
        // "Unavailable" can be followed by a fix once the receiver has warmed up; a refusal cannot.
        if (refused) finish();
      },
      { enableHighAccuracy: true, timeout: SEARCH_TIMEOUT_MS, maximumAge: MAX_AGE_MS });
  });
  return { promise, finish: () => finish() };
}

function round(value, decimals) {
  return Math.round(value * 10 ** decimals) / 10 ** decimals;
}
