// A chosen photo's file: read, made small where the phone can do that, and shown from memory.

import { loadModuleOnce } from "../http.js";

/** → the module prepare.js, or a substitute that leaves photos as they are when it could not be loaded. */
export function prepareModule() {
  return loadModuleOnce("photos/prepare").catch(() => ({ oneAtATime: (work) => work(), prepare: unprepared }));
}

async function unprepared(file, bytes) {
  return { bytes, type: typeOf(file), preview: bytes };
}

export function typeOf(file) {
  return file.type || "application/octet-stream";
}

export function urlOf(bytes, type) {
  return URL.createObjectURL(new Blob([bytes], { type }));
}

/** → object URLs of a picture: {preview} for its tile, {large} for its dialog; null when this phone cannot show it.
 *  `preview`: an ArrayBuffer, which may be `bytes` itself. */
export function pictureUrls({ bytes, type, preview }) {
  const large = preview && urlOf(bytes, type);
  return { large, preview: preview && preview !== bytes ? urlOf(preview, "image/jpeg") : large };
}

/** → the picture made small (prepare.js), or as it is when that fails: a stored photo must be sent. The server reads
 *  the time and place of an unprepared one from its file. */
export function tryPrepare(images, file, original) {
  return images.prepare(file, original).catch(() => unprepared(file, original));
}

/** → the bytes of a file; null when it cannot be read, because it is in a cloud or was deleted since it was chosen. */
export function bytesOf(file) {
  return file.arrayBuffer().catch(() => null);
}
