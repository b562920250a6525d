// The dialog for a signature, drawn with a finger or typed; both result in a PNG.

import { h, makeButton, openDialog, setAttr, setText, t } from "../dom.js";
import { loadModule } from "../http.js";
import { length, tidy } from "../rules.js";

const WIDTH = 900;       // px of the PNG; the height follows the pad's shape
const LINE = 4.5;        // px of the pen in the PNG
const MAX_NAME = 200;

/** Asks for a signature. → {png: ArrayBuffer, typedName: string | null}, or null when the dialog was cancelled. */
export async function askSignature(title) {
  const { encodeNow } = await loadModule("photos/prepare");
  return openDialog(t("sign"), (close) => {
    const pad = new Pad();
    const name = h("input", {
      id: "typed-name", type: "text", dir: "auto", maxlength: String(MAX_NAME),
      autocomplete: "name", autocapitalize: "words", enterkeyhint: "done",
    });
    const shown = h("p", { class: "typed-name", dir: "auto", "aria-hidden": "true" });
    const wrong = h("p", { class: "wrong", role: "alert" });
    const typing = h("div", { class: "typing", hidden: true },
      h("label", { for: "typed-name" }, t("sign_typed_label")), name, shown);
    const other = h("button", { type: "button", class: "link" }, t("sign_type"));
    const clear = makeButton("link", () => pad.clear(), t("clear"));
    name.addEventListener("input", () => setText(shown, name.value));
    other.addEventListener("click", () => {
      const types = typing.hasAttribute("hidden");
      setAttr(typing, "hidden", !types);
      setAttr(pad.element, "hidden", types);
      setAttr(clear, "hidden", types);
      setText(other, t(types ? "sign_draw" : "sign_type"));
      setText(wrong, "");
      if (types) name.focus();
    });
    const use = () => {
      const types = !typing.hasAttribute("hidden");
      const typedName = types ? tidy(name.value) : null;
      if (types ? length(typedName) === 0 : pad.isEmpty) {
        setText(wrong, t(types ? "sign_name_needed" : "sign_needed"));
        return;
      }
      const png = encodeNow(types ? drawName(typedName) : pad.picture(), "image/png");
      if (png) close({ png, typedName });
      else setText(wrong, t("sign_failed"));
    };
    name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // it would press the button that gets the focus when the dialog closes
      use();
    });
    return [
      h("p", { class: "soft", dir: "auto" }, title),
      pad.element, typing,
      h("div", { class: "sign-ways" }, other, clear),
      wrong,
      h("div", { class: "pair" },
        makeButton("button", () => close(), t("back")),
        makeButton("button primary", use, t("sign_use"))),
    ];
  }, { wide: true });
}

/** A canvas whose strokes are points in parts of its width (0 to 1), so that they can be redrawn at any size. */
class Pad {
  #strokes = [];
  #width = 0;

  constructor() {
    this.element = h("canvas", { class: "pad", role: "img", "aria-label": t("sign_pad") });
    const acts = { pointerdown: "down", pointermove: "move", pointerup: "up", pointercancel: "up" };
    for (const [name, act] of Object.entries(acts)) this.element.addEventListener(name, (event) => this[act](event));
    // Only a new width matters: phones change the height whenever the page scrolls.
    new ResizeObserver(([entry]) => {
      const width = Math.round(entry.contentRect.width);
      if (width && width !== this.#width) this.#fit(width, Math.round(entry.contentRect.height));
    }).observe(this.element);
  }

  get isEmpty() {
    return this.#strokes.length === 0;
  }

  down(event) {
    if (!event.isPrimary) return;
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.#strokes.push([this.#pointAt(event)]);
    this.#draw();
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.#strokes.at(-1).push(this.#pointAt(one));
    this.#draw();
  }

  up(event) {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  clear() {
    this.#strokes = [];
    this.#draw();
  }

  /** → a canvas with the signature in black on white, whatever the colours of the page. */
  picture() {
    const canvas = document.createElement("canvas");
    canvas.width = WIDTH;
    canvas.height = Math.round(WIDTH * (this.element.height / this.element.width));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    drawStrokes(pen, this.#strokes, WIDTH, LINE, "#111");
    return canvas;
  }

  #pointAt(event) {
    const box = this.element.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.width];
  }

  #fit(width, height) {
    this.#width = width;
    const density = Math.min(3, devicePixelRatio || 1);
    this.element.width = width * density;
    this.element.height = height * density;
    this.#draw();
  }

  #draw() {
    const pen = this.element.getContext("2d");
    const { width, height } = this.element;
    pen.clearRect(0, 0, width, height);
    drawStrokes(pen, this.#strokes, width, (LINE * width) / WIDTH + 0.5, getComputedStyle(this.element).color);
  }
}

/** Draws strokes whose points are in parts of `scale` pixels; `line` is the width in pixels. */
function drawStrokes(pen, strokes, scale, line, colour) {
  Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: line, lineCap: "round", lineJoin: "round" });
  for (const points of strokes) {
    pen.beginPath();
    pen.moveTo(points[0][0] * scale, points[0][1] * scale);
    if (points.length === 1) pen.lineTo(points[0][0] * scale + 0.1, points[0][1] * scale);
    // A curve through the middles of neighbouring points, since a quick hand leaves few points.
    for (let i = 1; i < points.length - 1; i += 1) {
      const [[x, y], [nextX, nextY]] = [points[i], points[i + 1]];
      pen.quadraticCurveTo(x * scale, y * scale, ((x + nextX) / 2) * scale, ((y + nextY) / 2) * scale);
    }
    if (points.length > 1) pen.lineTo(points.at(-1)[0] * scale, points.at(-1)[1] * scale);
    pen.stroke();
  }
}

/** → a canvas with the name in a script font, as large as it fits. */
function drawName(name) {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = Math.round(WIDTH / 3);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  let size = 96;
  do pen.font = `italic ${(size -= 4)}px "Snell Roundhand", "Segoe Script", "Dancing Script", cursive, serif`;
  while (size > 20 && pen.measureText(name).width > WIDTH - 80);
  Object.assign(pen, { fillStyle: "#111", textAlign: "center", textBaseline: "middle" });
  pen.fillText(name, WIDTH / 2, canvas.height / 2);
  return canvas;
}
