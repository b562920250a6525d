// A ZIP archive without compression (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16): photos are small already.

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

/** → a Blob with the archive. `files`: [{name, bytes: Uint8Array}]; names are stored as UTF-8. */
export function zip(files, when = new Date()) {
  const time = (when.getHours() << 11) | (when.getMinutes() << 5) | (when.getSeconds() >> 1);
  const day = ((when.getFullYear() - 1980) << 9) | ((when.getMonth() + 1) << 5) | when.getDate();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const label = new TextEncoder().encode(name);
    // Version needed, flags (UTF-8 names), method (stored), time, day, CRC, both sizes, name length, extra length.
    const sizes = [[4, bytes.length], [4, bytes.length], [2, label.length], [2, 0]];
    const shared = [[2, 20], [2, 0x800], [2, 0], [2, time], [2, day], [4, crc32(bytes)], ...sizes];
    const local = record([4, 0x04034b50], ...shared);
    parts.push(local, label, bytes);
    // Comment length, disk, attributes (all 0), and the offset of the file's local header.
    directory.push(record([4, 0x02014b50], [2, 20], ...shared, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), label);
    offset += local.length + label.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const counts = [[2, files.length], [2, files.length]];
  const end = record([4, 0x06054b50], [2, 0], [2, 0], ...counts, [4, size], [4, offset], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** → a Uint8Array of the fields in little-endian order. `fields`: [width in bytes, value] each. */
function record(...fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return bytes;
}
