// Scanning of codes: live, where the browser has a BarcodeDetector (Chrome on Android); else the server reads a
// picture.

import { h, makeButton, openDialog, problemText, setText, t } from "../dom.js";
import { loadModule } from "../http.js";

const SCAN_INTERVAL_MS = 150;   // between two frames that are read

/** Opens a dialog with the camera. → the first code it reads, {text, format}, or null. */
export function scanLive(formats) {
  let stream = null;
  let timer = 0;
  return openDialog(t("scan"), (close) => {
    const video = h("video", { class: "finder", autoplay: true, muted: true, playsinline: true });
    const message = h("p", { class: "soft", role: "status" }, t("scan_aim"));
    video.muted = true;
    start();
    return [video, message, makeButton("button", () => close(), t("scan_type_instead"))];

    async function start() {
      try {
        const known = await BarcodeDetector.getSupportedFormats();
        const wanted = formats?.filter((format) => known.includes(format));
        const detector = new BarcodeDetector(wanted?.length ? { formats: wanted } : {});
        const camera = { facingMode: "environment", width: { ideal: 1280 } };
        stream = await navigator.mediaDevices.getUserMedia({ video: camera });
        if (!video.isConnected) return stop();
        video.srcObject = stream;
        timer = setInterval(() => readFrame(detector), SCAN_INTERVAL_MS);
      } catch {
        setText(message, t("scan_no_camera"));
      }
    }

    async function readFrame(detector) {
      if (video.readyState < 2) return;
      const [code] = await detector.detect(video).catch(() => []);
      if (!code?.rawValue || !video.isConnected) return;
      navigator.vibrate?.(40);
      close({ text: code.rawValue, format: code.format });
    }
  }).finally(stop);

  function stop() {
    clearInterval(timer);
    for (const track of stream?.getTracks() ?? []) track.stop();
  }
}

/** Has the server read the code in a picture. → {text, format}, or {problem} in words. */
export async function scanPicture(session, file) {
  const original = await file.arrayBuffer().catch(() => null);
  if (!original) return { problem: t("photo_unread") };
  const { oneAtATime, shrink } = await loadModule("photos/prepare");
  // Sharper than an answer's photo: thin bars must survive.
  const { bytes, type } = await oneAtATime(() => shrink(file, original, 2048, 0.92));
  try {
    return await session.outbox.request("POST", "/decode", bytes, type);
  } catch (problem) {
    if (problem.code === "unreadable_image") return { problem: t("scan_nothing") };
    if (session.closeIfOver(problem)) return { problem: "" };
    return { problem: problem.status ? problemText(problem) : t("scan_failed") };
  }
}
