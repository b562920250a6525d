// geo.js, which asks for positions, from the first step on that wants one.

import { loadModuleOnce } from "../http.js";

let geo = null;   // geo.js, once something asked for a position

export const lazyGeo = {
  /** → geo.js, or null where it could not be loaded. */
  async load() {
    geo ??= await loadModuleOnce("steps/geo").catch(() => null);
    return geo;
  },
  settle() {
    geo?.settle();
  },
  sample() {
    geo?.sample();
  },
  /** → what an upload says of where the phone is, or nothing. */
  recent() {
    return geo?.recent();
  },
  /** Whether positions can be had: "yes", "insecure" (browsers give none over plain http), "refused" or "none". */
  availability() {
    if (geo) return geo.availability();
    if (!("geolocation" in navigator)) return "none";
    return isSecureContext ? "yes" : "insecure";
  },
};
