// Sends the chosen logo unchanged; the server checks it and stores a small copy.

const form = document.getElementById("logo");
const field = document.getElementById("logo-file");
const wrong = document.getElementById("logo-wrong");

form.hidden = false;
field.addEventListener("change", async () => {
  const [picture] = field.files;
  field.value = "";
  if (!picture) return;
  wrong.textContent = picture.size > Number(form.dataset.largest) ? form.dataset.tooLarge : await send(picture);
});

/** Sends the picture, and reloads the page. → the reason of a refusal, "" if there is none. */
async function send(picture) {
  try {
    const response = await fetch(form.dataset.path, {
      method: "POST",
      body: picture,
      headers: { accept: "application/json", "x-csrf-token": form.elements.csrf.value },
    });
    if (response.ok) {
      location.assign(location.pathname);
      return "";
    }
    return (await response.json()).detail;
  } catch {
    return form.dataset.failed;
  }
}
