// The bytes of a photo as it is chosen: read, made small where the phone can do that, and shown from memory.
// The server sends this within session.js (rundun/web/pages/static.py).

import { loadModuleOnce } from "../http.js";

/** → prepare.js; where the network went before it came, photos stay as large as they are. */
export function prepareModule() {
  return loadModuleOnce("photos/prepare").catch(() => ({ oneAtATime: (work) => work(), prepare: asItIs }));
}

async function asItIs(file, bytes) {
  return { bytes, type: typeOf(file), preview: bytes };
}

export function typeOf(file) {
  return file.type || "application/octet-stream";
}

export function urlOf(bytes, type) {
  return URL.createObjectURL(new Blob([bytes], { type }));
}

/** The URLs by which a picture is shown: {preview} in its tile, {large} when it is tapped; null where this phone cannot
 *  show it. `preview`: an ArrayBuffer, which may be `bytes` itself. */
export function shownAs({ bytes, type, preview }) {
  const large = preview && urlOf(bytes, type);
  return { large, preview: preview && preview !== bytes ? urlOf(preview, "image/jpeg") : large };
}

/** The picture made small, or as it is where the phone cannot do that: once it is kept it must go out. The server reads
 *  for itself when and where that one was taken. */
export function prepared(images, file, original) {
  return images.prepare(file, original).catch(() => asItIs(file, original));
}

/** The bytes of a file, or null: one that is still in somebody's cloud, or gone since it was chosen, cannot be read. */
export function bytesOf(file) {
  return file.arrayBuffer().catch(() => null);
}
