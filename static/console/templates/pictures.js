// Uploads pictures for the steps of the template in the editor, and shows the ids for naming them in steps.

import { connectCopy } from "../copy.js";

const part = document.getElementById("pictures");
const field = document.getElementById("picture");
const wrong = document.getElementById("picture-wrong");
const list = document.getElementById("uploaded");
const { csrf, uploaded } = document.getElementById("editor").elements;

part.hidden = false;
// A refused form lists the pictures uploaded so far.
const before = [...list.children];
list.replaceChildren();
for (const { dataset: { id, shown, name } } of before.reverse()) show({ picture_id: id, thumbnail_url: shown }, name);
field.addEventListener("change", async () => {
  const chosen = [...field.files];
  field.value = "";
  wrong.textContent = "";
  for (const picture of chosen) {
    const problem = picture.size > Number(part.dataset.largest) ? part.dataset.tooLarge : await send(picture);
    if (problem) wrong.textContent = `${picture.name}: ${problem}`;
  }
});

/** Uploads a picture, and shows it. → the reason of a refusal, "" if there is none. */
async function send(picture) {
  try {
    const response = await fetch(part.dataset.path, {
      method: "POST",
      body: picture,
      headers: { accept: "application/json", "x-csrf-token": csrf.value },
    });
    const answer = await response.json();
    if (!response.ok) return answer.detail;
    show(answer, picture.name);
    return "";
  } catch {
    return part.dataset.failed;
  }
}

function show({ picture_id: id, thumbnail_url: src }, name) {
  if (document.getElementById(id)) return;
  const item = document.createElement("li");
  const image = Object.assign(document.createElement("img"), { src, alt: name });
  const value = Object.assign(document.createElement("input"), { id, value: id, readOnly: true, dir: "ltr" });
  value.setAttribute("aria-label", name);
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: part.dataset.copy });
  Object.assign(button.dataset, { copy: id, copied: part.dataset.copied });
  item.append(image, value, button);
  list.prepend(item);
  connectCopy(button);
  const rows = [...list.children].slice(0, Number(uploaded.dataset.most));
  uploaded.value = JSON.stringify(rows.map((row) => [row.querySelector("input").value, row.querySelector("img").alt]));
}
