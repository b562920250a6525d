// The time and place of a picture in its EXIF (CIPA DC-008, EXIF 3.0; directories: TIFF 6.0 section 2). Values that
// make no sense are ignored. rundun/imaging/exif.py reads the same on the server.

import { inspect } from "./formats.js";

const [ORIENTATION, EXIF, GPS] = [0x0112, 0x8769, 0x8825];
const [TAKEN, OFFSET] = [0x9003, 0x9011];   // DateTimeOriginal, OffsetTimeOriginal
const [LATITUDE_REF, LATITUDE, LONGITUDE_REF, LONGITUDE, GPS_TIME, GPS_DATE] = [1, 2, 3, 4, 7, 29];
const TEXTS = new Set([TAKEN, OFFSET, LATITUDE_REF, LONGITUDE_REF, GPS_DATE]);
const TRIPLES = new Set([LATITUDE, LONGITUDE, GPS_TIME]);
const [ASCII, SHORT, LONG, RATIONAL, SRATIONAL] = [2, 3, 4, 5, 10];   // some phones write a position as SRATIONAL
const MAX_BYTES = 65_536;
const MAX_TEXT = 64;
const FIRST_YEAR = 1990;
const FARTHEST_MINUTES = 14 * 60;   // from UTC: the Line Islands
const NOTHING = { isTurned: false, time: {}, place: {} };

/** → {isCutOff, isTurned, time, place} of a picture's file, an ArrayBuffer: `isTurned` says whether its pixels are to
 *  be turned or mirrored; `time` is {taken_at, taken_at_from} and `place` {lat, lng}, parameters of an upload; {} when
 *  the file has none. Never throws. */
export function lookAt(buffer) {
  const { isCutOff, exif } = inspect(buffer);
  return { isCutOff, ...(exif ? readExif(exif) : NOTHING) };
}

/** → {isTurned, time, place} of an EXIF block, a Uint8Array with or without "Exif\0\0" before its TIFF header. */
export function readExif(block) {
  const text = String.fromCharCode(...block.subarray(0, 6));
  const tiff = text === "Exif\0\0" ? block.subarray(6, 6 + MAX_BYTES) : block.subarray(0, MAX_BYTES);
  const head = String.fromCharCode(...tiff.subarray(0, 4));
  if (head !== "II*\0" && head !== "MM\0*") return NOTHING;
  const read = reader(tiff, head === "II*\0");
  const first = directory(read, read(4, 4));
  const about = directory(read, first.get(EXIF));
  const gps = directory(read, first.get(GPS));
  return { isTurned: first.get(ORIENTATION) > 1, time: timeOf(about, gps), place: placeOf(gps) };
}

/** → a function that reads `size` bytes at `at` as an unsigned number; bytes behind the end are left out, as on the
 *  server. */
function reader(tiff, isLittle) {
  const read = (at, size) => {
    const part = tiff.slice(at, at + size);
    if (isLittle) part.reverse();
    return part.reduce((number, byte) => number * 256 + byte, 0);
  };
  return Object.assign(read, { tiff });
}

/** → Map(tag → value) of the known tags in a directory: texts, arrays of three numbers, offsets of directories, the
 *  orientation. */
function directory(read, at) {
  const values = new Map();
  if (at === undefined) return values;
  const last = Math.min(at + 2 + 12 * read(at, 2), read.tiff.length - 11);
  for (let entry = at + 2; entry < last; entry += 12) {
    const [tag, kind, count, place] = [read(entry, 2), read(entry + 2, 2), read(entry + 4, 4), read(entry + 8, 4)];
    if (kind === LONG && (tag === EXIF || tag === GPS || tag === ORIENTATION)) values.set(tag, place);
    else if (kind === SHORT && tag === ORIENTATION) values.set(tag, read(entry + 8, 2));
    else if (kind === ASCII && TEXTS.has(tag)) {
      values.set(tag, textAt(read.tiff, count <= 4 ? entry + 8 : place, count));
    } else if ((kind === RATIONAL || kind === SRATIONAL) && count === 3 && TRIPLES.has(tag)) {
      values.set(tag, rationalsAt(read, place, kind === SRATIONAL));
    }
  }
  return values;
}

function textAt(tiff, at, count) {
  const text = String.fromCharCode(...tiff.subarray(at, at + Math.min(count, MAX_TEXT)));
  return text.split("\0")[0].replace(/^ +| +$/g, "");
}

function rationalsAt(read, at, isSigned) {
  if (at + 24 > read.tiff.length) return [];
  const number = (from) => (isSigned ? read(from, 4) | 0 : read(from, 4));
  const numbers = [0, 8, 16].map((start) => number(at + start) / number(at + start + 4));
  return numbers.every((one) => Number.isFinite(one) && one >= 0) ? numbers : [];
}

/** → the upload's parameters of a picture's time, or {}: by its UTC offset, else by its GPS time, else in this phone's
 *  time zone. */
function timeOf(about, gps) {
  const taken = /^(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)$/.exec(about.get(TAKEN) ?? "")?.slice(1).map(Number);
  const offset = /^([+-])(\d\d):([0-5]\d)$/.exec(about.get(OFFSET) ?? "");
  const minutes = offset ? Number(offset[2]) * 60 + Number(offset[3]) : Infinity;
  const byOffset = taken && minutes <= FARTHEST_MINUTES ? utc(taken) : null;
  if (byOffset !== null) return takenAt(byOffset - (offset[1] === "+" ? 60_000 : -60_000) * minutes, "exif");
  const day = /^(\d{4}):(\d\d):(\d\d)$/.exec(gps.get(GPS_DATE) ?? "")?.slice(1).map(Number);
  const clock = gps.get(GPS_TIME)?.map(Math.trunc) ?? [];
  const byGps = day && clock.length === 3 ? utc([...day, ...clock]) : null;
  if (byGps !== null) return takenAt(byGps, "exif");
  if (!taken || utc(taken) === null) return {};
  const [year, month, date, hour, minute, second] = taken;
  return takenAt(new Date(year, month - 1, date, hour, minute, second).getTime(), "exif_local");
}

/** → the milliseconds of a time in UTC; null when there is no such time, or it is before 1990. */
function utc([year, month, day, hour, minute, second]) {
  if (month < 1 || hour > 23 || minute > 59 || second > 59) return null;
  const moment = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isDay = moment.getUTCMonth() === month - 1 && moment.getUTCDate() === day;
  return year >= FIRST_YEAR && isDay ? moment.getTime() : null;
}

function takenAt(time, from) {
  return { taken_at: `${new Date(time).toISOString().slice(0, 19)}Z`, taken_at_from: from };
}

function placeOf(gps) {
  const lat = degrees(gps.get(LATITUDE), gps.get(LATITUDE_REF), "NS", 90);
  const lng = degrees(gps.get(LONGITUDE), gps.get(LONGITUDE_REF), "EW", 180);
  if (lat === null || lng === null || (lat === 0 && lng === 0)) return {}; // cameras write 0, 0 without a fix
  return { lat, lng };
}

/** → signed degrees, or null when they make no sense. `letters`: those of the positive and the negative side. */
function degrees(numbers, reference, letters, most) {
  if (numbers?.length !== 3 || !reference || (reference !== letters[0] && reference !== letters[1])) return null;
  const [whole, minutes, seconds] = numbers;
  if (whole > most || minutes > 60 || seconds > 60) return null;
  const size = Number((whole + minutes / 60 + seconds / 3600).toFixed(7));
  if (size > most) return null;
  if (size < 1e-6) return 0; // it would be written with an exponent
  return reference === letters[1] ? -size : size;
}
