// Loads geo.js when the first step asks for a position, and passes calls on to it.

import { loadModuleOnce } from "../http.js";

let geo = null;   // the module geo.js, once it is loaded

export const lazyGeo = {
  /** → the module geo.js, or null when it could not be loaded. */
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
  /** → the newest fix if it is fresh (geo.js), as parameters of an upload; else null or undefined. */
  recent() {
    return geo?.recent();
  },
  /** → whether positions are available: "yes", "insecure" (over plain http browsers give none), "refused" or "none". */
  availability() {
    if (geo) return geo.availability();
    if (!("geolocation" in navigator)) return "none";
    return isSecureContext ? "yes" : "insecure";
  },
};
