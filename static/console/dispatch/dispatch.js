// The forms that send one job or several: choosing a checklist shows its fields without a reload, the first wrong input
// gets the focus, and frequent due times can be chosen by a click.

const form = document.querySelector("form.dispatch");
const button = form?.querySelector("button[name=choose]");
const PARTS = ["of-template", "prefill-of-template", "system-of-template"];
let count = 0; // choices made: only the response to the last one is used

button?.remove(); // it is for browsers without scripts, and Enter would press it
(document.querySelector("[data-focus]") ?? form?.querySelector("[aria-invalid=true]"))?.focus();

form?.elements.namedItem("template_id").addEventListener("change", async () => {
  const number = ++count;
  const body = new URLSearchParams(new FormData(form));
  body.set("choose", "1");
  // A POST, since the values may be secrets, which must not be in a URL.
  const asked = { method: "POST", body, headers: { accept: "text/html" } };
  const response = await fetch(form.action, asked).catch(() => null);
  if (!response?.ok) return; // sending the form then shows the fields
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (number !== count) return;
  for (const id of PARTS) {
    const fresh = page.getElementById(id);
    if (fresh) document.getElementById(id).replaceWith(document.importNode(fresh, true));
  }
});

const due = form?.elements.namedItem("due_at");
for (const choice of form?.querySelectorAll("[data-due]") ?? []) {
  choice.parentElement.hidden = false;
  choice.addEventListener("click", () => { due.value = choice.dataset.due; });
}
