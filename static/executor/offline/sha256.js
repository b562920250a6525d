// SHA-256 (FIPS 180-4) for pages loaded over plain http, where crypto.subtle is missing. Loaded only there.

/** → the first 32 bits of the fractional parts of the first `count` primes' roots. `root`: 2 for square, 3 for cube. */
function constants(root, count) {
  const found = [];
  for (let n = 2; found.length < count; n += 1) {
    let isPrime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) isPrime = false;
    if (isPrime) found.push(((n ** (1 / root)) % 1) * 2 ** 32 | 0);
  }
  return found;
}

const START = constants(2, 8);
const K = Int32Array.from(constants(3, 64));

/** → the digest of an ArrayBuffer, as a Uint8Array of 32 bytes. */
export function sha256(buffer) {
  const state = Int32Array.from(START);
  const whole = buffer.byteLength - (buffer.byteLength % 64);
  const blocks = new DataView(buffer);
  for (let at = 0; at < whole; at += 64) mix(state, blocks, at);
  const rest = buffer.byteLength - whole;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(new Uint8Array(buffer, whole));
  tail[rest] = 0x80;
  const last = new DataView(tail.buffer);
  last.setUint32(tail.length - 8, Math.floor(buffer.byteLength / 2 ** 29));
  last.setUint32(tail.length - 4, buffer.byteLength << 3);
  for (let at = 0; at < tail.length; at += 64) mix(state, last, at);
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => out.setInt32(4 * i, word));
  return new Uint8Array(out.buffer);
}

const w = new Int32Array(64);

/** Updates `state` with the 64 bytes of `block` from offset `at`. */
function mix(state, block, at) {
  for (let i = 0; i < 16; i += 1) w[i] = block.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
}
