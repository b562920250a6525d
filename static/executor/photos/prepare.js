// Prepares a picture for its upload: reads its EXIF, which the shrunk picture lacks, and shrinks it.

import { lookAt } from "./exif.js";
import { shrink } from "./shrink.js";

export * from "./shrink.js";

/** → the prepared picture, {bytes, type, preview, time, place} (shrink.js, exif.js); or {word}, the message key of the
 *  reason why it must not be sent. `original`: the file's bytes. */
export async function prepare(file, original) {
  const { isCutOff, time, place } = lookAt(original);
  if (isCutOff) return { word: "photo_cut_off" };
  return { ...(await shrink(file, original)), time, place };
}
