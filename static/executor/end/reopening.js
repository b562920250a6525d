// Sees when a closed run is open for this phone again: released, or in a server that was restored to an older state.

import { send } from "../http.js";

const INTERVAL_MS = 15_000;
const FOR_GOOD = new Set(["erased", "unknown"]);   // asking for unknown runs counts as guessing

/** While the page of a run that ended as `kind` is looked at, asks whether the run is open, and then loads it anew. */
export function awaitReopening(run, kind) {
  if (FOR_GOOD.has(kind)) return;
  setInterval(ask, INTERVAL_MS);
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", ask);

  async function ask() {
    if (document.visibilityState !== "visible") return;
    const state = await send("GET", `/r/${run}/state`, undefined, null, {}).catch(() => null);
    if (state) location.reload();
  }
}
