// Buttons that copy a field: `data-copy` is the field's id, `data-copied` what the button says afterwards.

const RESET_DELAY_MS = 2000;   // until the button has its own words again

for (const button of document.querySelectorAll("button[data-copy]")) connectCopy(button);

export function connectCopy(button) {
  const field = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    field.focus();
    field.select();
    if (!(await copied(field.value))) return; // it is selected: a person can copy it
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, RESET_DELAY_MS);
  });
}

/** Over plain http there is no clipboard to write to, but for what is selected. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}
