// Prepares a picture for its upload: reads its EXIF, which the shrunk picture lacks, and shrinks it.

import { lookAt } from "./exif.js";
import { shrink } from "./shrink.js";

export * from "./shrink.js";

/** → the prepared picture, {bytes, type, preview, time, place} (shrink.js, exif.js); or {word}, the message key of the
 *  reason why it must not be sent. `original`: the file's bytes. */
export async function prepare(file, original) {
  const { isCutOff, isTurned, time, place } = lookAt(original);
  if (isCutOff) return { word: "photo_cut_off" };
  // Browsers do not turn a WebP, and a canvas would write none of its EXIF; the server turns it.
  const isLeft = isTurned && file.type === "image/webp";
  const picture = isLeft ? { bytes: original, type: file.type, preview: null } : await shrink(file, original);
  return { ...picture, time, place };
}
