// The dialog for drawing on a photo.

import { h, makeButton, openDialog, t } from "../dom.js";
import { loadModule } from "../http.js";

const PEN_WIDTH = 0.008;       // of the picture's longer side
const COLOUR = "#ff2d20";

const leftStrokes = new WeakMap();   // photo → its strokes, each [[x, y], …] in parts of the picture's width and height

/** Lets the person draw on a photo. Strokes that were not used are there again the next time, as long as the page is
 *  open: the close button is easily hit, and so loses nothing. `source`: the picture's URL.
 *  → the picture with the drawing, {bytes, type, preview} (shrink.js), or null. */
export async function drawOn(photo, source) {
  const { encodeNow, previewOf } = await loadModule("photos/prepare");
  const image = new Image();
  image.src = source;
  await image.decode();
  return openDialog(t("draw"), (close) => {
    const strokes = leftStrokes.get(photo) ?? [];
    leftStrokes.set(photo, strokes);
    const canvas = h("canvas", { class: "photo-large drawable", role: "img", "aria-label": t("draw") });
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const pen = canvas.getContext("2d", { alpha: false });
    const paint = () => {
      pen.drawImage(image, 0, 0);
      const line = PEN_WIDTH * Math.max(canvas.width, canvas.height);
      Object.assign(pen, { strokeStyle: COLOUR, lineWidth: line, lineCap: "round", lineJoin: "round" });
      for (const stroke of strokes) {
        const points = stroke.map(([x, y]) => [x * canvas.width, y * canvas.height]);
        pen.beginPath();
        points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
        if (points.length === 1) pen.lineTo(points[0][0] + 0.1, points[0][1]);
        pen.stroke();
      }
    };
    const pointAt = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    let pointer = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      pointer = event.pointerId;
      strokes.push([pointAt(event)]);
      paint();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer) return;
      strokes.at(-1).push(pointAt(event));
      paint();
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (pointer = null));
    const undo = () => {
      strokes.pop();
      paint();
    };
    const use = () => {
      const type = "image/jpeg";
      const bytes = strokes.length ? encodeNow(canvas, type, 0.85) : null;
      close(bytes && { bytes, type, preview: previewOf(canvas) });
    };
    paint();
    return [
      h("p", { class: "soft" }, t("draw_hint")), canvas,
      h("div", { class: "pair" },
        makeButton("button", undo, t("undo")),
        makeButton("button primary", use, t("draw_use"))),
    ];
  }, { wide: true });
}
