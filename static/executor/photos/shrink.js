// Makes pictures small on the phone: upright, at most 2048 px, JPEG, without EXIF (a canvas writes none).
// A picture that the browser cannot decode, such as HEIC outside Safari, stays as it is.

const MAX_SIDE = 2048;   // px; below the canvas limit of iOS (16.7 megapixels)
const QUALITY = 0.8;
const PREVIEW_SIDE = 320;   // px; 60 tiles with whole pictures cost the page 600 MB
const PREVIEW_QUALITY = 0.7;

let turn = Promise.resolve();

/** Runs `work` after all earlier work, since two 48-megapixel bitmaps at once crash a small phone's tab. → its
 *  result. */
export function oneAtATime(work) {
  const mine = turn.then(work);
  turn = mine.catch(() => {});
  return mine;
}

/** → the small picture, {bytes, type, preview}: ArrayBuffers; `preview` is null when the phone cannot show it.
 *  `original`: the file's bytes. */
export async function shrink(file, original, maxSide = MAX_SIDE, quality = QUALITY) {
  const picture = await decode(file);
  if (picture) {
    const { blob, preview } = (await draw(picture, maxSide, quality)) ?? {};
    picture.close?.();
    if (blob) return { bytes: await blob.arrayBuffer(), type: blob.type, preview };
  }
  return { bytes: original, type: file.type || "application/octet-stream", preview: null };
}

/** → an ImageBitmap or image of the file, upright by its EXIF, or null. */
export async function decode(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return decodeByElement(file);
  }
}

async function decodeByElement(file) {
  const url = URL.createObjectURL(file);
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return image.naturalWidth ? image : null;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function draw(picture, maxSide, quality) {
  const canvas = canvasOf(picture, maxSide);
  if (!canvas) return null;
  const preview = previewOf(canvas);
  const blob = await toBlob(canvas, "image/jpeg", quality);
  canvas.width = canvas.height = 0; // frees the memory now, not at the next garbage collection
  return { blob, preview };
}

/** → a JPEG of a picture for its tile, as an ArrayBuffer; null when the browser fails to encode it. */
export function previewOf(picture) {
  const canvas = canvasOf(picture, PREVIEW_SIDE);
  return canvas && encodeNow(canvas, "image/jpeg", PREVIEW_QUALITY);
}

/** → a canvas with the picture, scaled down to `maxSide` pixels; null when the browser has no memory for it. */
function canvasOf(picture, maxSide) {
  const width = picture.naturalWidth ?? picture.width;
  const height = picture.naturalHeight ?? picture.height;
  const scale = Math.min(1, maxSide / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const pen = canvas.getContext("2d", { alpha: false });
  if (!pen) return null;
  pen.fillStyle = "#fff"; // transparent pixels would turn black in a JPEG
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** → canvas.toBlob as a promise; null when the browser fails to encode it. */
function toBlob(canvas, type, quality) {
  return new Promise((resolve) => canvas.toBlob(resolve, type, quality));
}

/** → a canvas's picture, encoded synchronously, as an ArrayBuffer; null when the browser fails to encode it. For
 *  pictures that a person waits for: Chromium's toBlob waits until the page is idle, seconds on a slow phone. */
export function encodeNow(canvas, type, quality) {
  const [head, letters] = canvas.toDataURL(type, quality).split(",");
  if (!head.startsWith(`data:${type}`)) return null;
  return Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0)).buffer;
}
