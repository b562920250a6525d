// The structure of picture files, read without decoding: whether the end is missing, and the EXIF. The server reads
// files in the same way (rundun/imaging/formats.py). Pure, bounded by the file's size, never throws.

const MAX_PIECES = 20_000;   // segments, chunks or boxes in one file; cameras write hundreds

/** → {isCutOff, exif} of a file. `buffer`: its ArrayBuffer; `isCutOff`: true when the end of a JPEG, PNG, WebP or HEIC
 *  is missing; `exif`: its EXIF as a Uint8Array, with or without "Exif\0\0" before it, or null. */
export function inspect(buffer) {
  const bytes = new Uint8Array(buffer);
  const walk = walkOf(bytes);
  try {
    return walk ? walk(bytes, new DataView(buffer)) : { isCutOff: false, exif: null };
  } catch {
    return { isCutOff: false, exif: null }; // a length beyond the end of the file: left to the server's check
  }
}

/** → the function that walks a file of this format, or null for an unknown format. */
function walkOf(bytes) {
  const starts = (...head) => head.every((byte, at) => bytes[at] === byte);
  if (starts(0xff, 0xd8, 0xff)) return walkJpeg;
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return walkPng;
  if (nameAt(bytes, 0) === "RIFF" && nameAt(bytes, 8) === "WEBP") return walkWebp;
  // AVIF consists of the same boxes as HEIC.
  return nameAt(bytes, 4) === "ftyp" && /^(hei|hev|mif1|msf1|avi)/.test(nameAt(bytes, 8)) ? walkBoxes : null;
}

/** → the four characters at `at`. */
function nameAt(bytes, at) {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** Walks the segments of a JPEG (ITU-T T.81 annex B) up to the end marker. In a scan, a marker counts only before a
 *  whole segment: otherwise it is a damaged byte of the scan, which decoders ignore. */
function walkJpeg(bytes, view) {
  let exif = null;
  let at = 2;
  let inScan = false;
  for (let n = 0; n < MAX_PIECES; n += 1) {
    at = markerFrom(bytes, at);
    if (at < 0) return { isCutOff: true, exif };
    const marker = bytes[at + 1];
    if (marker === 0xd9) return { isCutOff: false, exif };
    const end = at + 4 <= bytes.length ? at + 2 + view.getUint16(at + 2) : Infinity;
    const isScan = marker === 0xda && (!inScan || end - at === 2 * bytes[at + 4] + 8);
    const isSegment = isScan || (end >= at + 4 && markerFrom(bytes.subarray(0, end + 2), end) === end);
    if (inScan && !isSegment) {
      at += 2;
      continue;
    }
    inScan = isScan;
    if (end > bytes.length || end < at + 4) return { isCutOff: true, exif };
    const isExif = marker === 0xe1 && nameAt(bytes, at + 4) === "Exif" && bytes[at + 8] === 0 && bytes[at + 9] === 0;
    if (isExif) exif ??= bytes.subarray(at + 4, end);
    at = end;
  }
  return { isCutOff: false, exif };
}

/** → the offset of the next marker, -1 behind the last. 0xFF00 is a stuffed byte, and RSTn belong to the scan. */
function markerFrom(bytes, start) {
  for (let at = bytes.indexOf(0xff, start); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(0xff, at + 1)) {
    const marker = bytes[at + 1];
    if (marker > 0x01 && marker !== 0xff && !(marker >= 0xd0 && marker <= 0xd8)) return at;
  }
  return -1;
}

/** Walks the chunks of a PNG (ISO/IEC 15948 section 5) up to IEND. */
function walkPng(bytes, view) {
  let exif = null;
  let at = 8;
  for (let n = 0; n < MAX_PIECES; n += 1) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : Infinity;
    if (at + 12 + length > bytes.length) return { isCutOff: true, exif };
    const name = nameAt(bytes, at + 4);
    if (name === "eXIf") exif ??= bytes.subarray(at + 8, at + 8 + length);
    if (name === "IEND") return { isCutOff: false, exif };
    at += 12 + length;
  }
  return { isCutOff: false, exif };
}

/** Walks the chunks of a WebP, a RIFF file whose header has the size of all that follows. */
function walkWebp(bytes, view) {
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.length) return { isCutOff: true, exif: null };
  for (let at = 12, n = 0; at + 8 <= end && n < MAX_PIECES; n += 1) {
    const length = view.getUint32(at + 4, true);
    const isExif = nameAt(bytes, at) === "EXIF" && at + 8 + length <= end;
    if (isExif) return { isCutOff: false, exif: bytes.subarray(at + 8, at + 8 + length) };
    at += 8 + length + (length % 2);
  }
  return { isCutOff: false, exif: null };
}

/** Walks the boxes of a HEIC (ISO/IEC 14496-12 section 4.2), which must be complete and contain pixels. Other data
 *  behind the pixels is allowed: some phones append their own. */
function walkBoxes(bytes, view) {
  let hasPixels = false;
  let exif = null;
  for (const { name, start, end } of boxes(bytes, view, 0, bytes.length)) {
    if (end > bytes.length) {
      hasPixels &&= !["meta", "mdat", "moov"].includes(name);
      break;
    }
    hasPixels ||= name === "mdat";
    if (name === "meta") exif ??= exifOf(bytes, view, start, end);
  }
  return { isCutOff: !hasPixels, exif };
}

/** Yields the boxes from `at` to `last`, {name, start, end}; a box that is too long comes last, and ends behind
 *  `last`. */
function* boxes(bytes, view, at, last) {
  for (let n = 0; last - at >= 8 && n < MAX_PIECES; n += 1) {
    let [length, head] = [view.getUint32(at), 8];
    const name = nameAt(bytes, at + 4);
    if (length === 1 && last - at >= 16) {
      [length, head] = [Number(view.getBigUint64(at + 8)), 16];
    } else if (length === 0) {
      length = last - at; // extends to the end
    }
    const end = length < head ? Infinity : at + length;
    yield { name, start: at + head, end };
    if (end > last) return;
    at = end;
  }
}

/** → the EXIF of a HEIC's `Exif` item from its TIFF header on, whose offset it begins with (ISO/IEC 23008-12 annex A);
 *  null without. */
function exifOf(bytes, view, metaStart, metaEnd) {
  const found = {};
  for (const box of boxes(bytes, view, metaStart + 4, metaEnd)) found[box.name] ??= box;
  const id = found.iinf && exifId(bytes, view, found.iinf);
  const place = id != null && found.iloc ? itemPlace(view, found.iloc, id) : null;
  if (!place || place.start + place.length > bytes.length || place.length < 12) return null;
  const start = place.start + 4 + view.getUint32(place.start);
  return start < place.start + place.length ? bytes.subarray(start, place.start + place.length) : null;
}

/** → the id of the first EXIF item (ISO/IEC 14496-12 section 8.11.6), or null. */
function exifId(bytes, view, { start, end }) {
  const first = start + 4 + (view.getUint8(start) === 0 ? 2 : 4);
  for (const item of boxes(bytes, view, first, end)) {
    const isLong = view.getUint8(item.start) === 3;
    const id = isLong ? view.getUint32(item.start + 4) : view.getUint16(item.start + 4);
    if (item.name === "infe" && nameAt(bytes, item.start + (isLong ? 10 : 8)) === "Exif") return id;
  }
  return null;
}

/** → an item's place in the file (section 8.11.3), {start, length}; null unless it is in one piece. */
function itemPlace(view, { start, end }, wanted) {
  const version = view.getUint8(start);
  const sizes = [view.getUint8(start + 4) >> 4, view.getUint8(start + 4) & 15, view.getUint8(start + 5) >> 4];
  const indexSize = version ? view.getUint8(start + 5) & 15 : 0;
  let at = start + 6;
  const next = (size) => {
    const here = at;
    at += size;
    if (size === 8) return Number(view.getBigUint64(here));
    return size === 4 ? view.getUint32(here) : size === 2 ? view.getUint16(here) : 0;
  };
  const count = next(version < 2 ? 2 : 4);
  for (let n = 0; n < Math.min(count, MAX_PIECES) && at < end; n += 1) {
    const id = next(version < 2 ? 2 : 4);
    const method = version ? next(2) & 15 : 0;
    next(2); // data_reference_index: this file
    const base = next(sizes[2]);
    const pieces = next(2);
    const extents = at;
    next(indexSize);
    const place = { start: base + next(sizes[0]), length: next(sizes[1]) };
    if (id === wanted) return method === 0 && pieces === 1 ? place : null;
    at = extents + pieces * (indexSize + sizes[0] + sizes[1]);
  }
  return null;
}
