// Buttons that copy a field: `data-copy` is the field's id, `data-copied` the button's label afterwards.

const RESET_DELAY_MS = 2000;   // until the button has its original label again

for (const button of document.querySelectorAll("button[data-copy]")) connectCopy(button);

export function connectCopy(button) {
  const field = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    field.focus();
    field.select();
    if (!(await copySelected(field.value))) return; // the text stays selected for copying by hand
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, RESET_DELAY_MS);
  });
}

/** Copies `text`, which is selected: over plain HTTP only a selection can be copied. → false if it failed. */
async function copySelected(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}
