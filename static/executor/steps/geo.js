// The phone's position, for steps that ask for it. Every failure results in null.

const SEARCH_TIMEOUT_MS = 20_000;
const GOOD_METRES = 25;      // accuracy at which the search ends
const MAX_AGE_MS = 15_000;   // of a fix that is reused, so that ten quick taps do not start ten searches

let search = null;
let last = null;
let refused = false;

/** → whether positions are available: "yes", "insecure" (over plain http browsers give none), "refused" or "none". */
export function availability() {
  if (!("geolocation" in navigator)) return "none";
  if (!isSecureContext) return "insecure";
  return refused ? "refused" : "yes";
}

/** → the newest fix, {lat, lng, accuracy}, if it is less than 15 s old; else null. */
export function recent() {
  return last && Date.now() - last.found < MAX_AGE_MS ? last.fix : null;
}

/** → a promise of the position, {lat, lng, accuracy} (degrees, degrees, metres) or null, after at most 20 s. To be
 *  called from a tap. */
export function sample() {
  if (availability() === "none" || availability() === "insecure") return Promise.resolve(null);
  const fix = recent();
  if (fix && fix.accuracy <= GOOD_METRES) return Promise.resolve(fix);
  search ??= startSearch();
  return search.promise;
}

/** Ends a search with its best fix so far: the page is about to be hidden and must send its answers. */
export function settle() {
  search?.finish();
}

/** → a running search, {promise: of its best fix or null, finish(): ends it}. */
function startSearch() {
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
        // After "unavailable" a fix may follow once the receiver has warmed up; after a refusal none.
        if (refused) finish();
      },
      { enableHighAccuracy: true, timeout: SEARCH_TIMEOUT_MS, maximumAge: MAX_AGE_MS });
  });
  return { promise, finish: () => finish() };
}

function round(value, decimals) {
  return Math.round(value * 10 ** decimals) / 10 ** decimals;
}
