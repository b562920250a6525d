// The pictures of a step: picked, dropped on its row, or pasted into it, and uploaded at once.

import { h, t } from "../../../executor/dom.js";
import { signButton } from "./controls.js";
import { partOf } from "./template.js";

/** → the pictures of a step, null if it has none. */
export function pictureList(editor, step) {
  const pictures = Array.isArray(step.pictures) ? step.pictures : [];
  if (!pictures.length) return null;
  return h("div", { class: "field" }, h("span", { class: "name" }, t("field_pictures")), h("ul", { class: "shown" },
    ...pictures.map((id, index) => h("li", {},
      h("img", { src: editor.pictures[id]?.thumbnail_url ?? null, alt: t("picture_n", { number: index + 1 }) }),
      signButton("✕", t("delete"), () => {
        const rest = pictures.filter((_, other) => other !== index);
        editor.set(step.id, ["pictures"], rest.length ? rest : undefined);
      })))));
}

/** Lets the person choose pictures for a step. */
export function pickPictures(editor, id) {
  const field = h("input", { type: "file", accept: "image/jpeg,image/png,image/webp,image/heic", multiple: true });
  field.addEventListener("change", () => addPictures(editor, id, [...field.files]));
  field.click();
}

/** Uploads pictures and adds them to a step, as many as it may have; says why one is refused. */
export async function addPictures(editor, id, files) {
  const { max_pictures: n, max_picture_bytes: most } = editor.words;
  for (const file of files.filter(({ type }) => type.startsWith("image/"))) {
    const step = partOf(editor.template, id);
    if (!step || (step.pictures ?? []).length >= n) return editor.say(t("pictures_full", { n }));
    const refusal = file.size > most ? t("picture_too_large") : await upload(editor, id, file);
    if (refusal) return editor.say(`${file.name}: ${refusal}`);
  }
}

/** Uploads a picture and adds it to a step. → the reason of a refusal, "" if there is none. */
async function upload(editor, id, file) {
  let answer;
  try {
    const headers = { accept: "application/json", "x-csrf-token": editor.csrf };
    const response = await fetch("/console/pictures", { method: "POST", body: file, headers });
    answer = await response.json();
    if (!response.ok) return answer.detail;
  } catch {
    return t("picture_failed");
  }
  if (!editor.isTextRead && !editor.readText()) return t("picture_unread");   // the JSON is being typed by now
  editor.pictures[answer.picture_id] = answer;
  const named = partOf(editor.template, id)?.pictures ?? [];
  if (!named.includes(answer.picture_id)) editor.set(id, ["pictures"], [...named, answer.picture_id]);
  return "";
}
