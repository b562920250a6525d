// What is done with a picture before it goes out: its file is looked at, for its EXIF is gone once it is shrunk.

import { lookAt } from "./exif.js";
import { oneAtATime, shrink } from "./shrink.js";

export { oneAtATime };

/** A file and its bytes → {bytes, type, preview, time, place} (shrink.js, exif.js), or {word}, of the catalog,
 *  where it must not go out. */
export async function prepare(file, original) {
  const { isCutOff, time, place } = lookAt(original);
  if (isCutOff) return { word: "photo_cut_off" };
  return { ...(await shrink(file, original)), time, place };
}
