// The form of a job, and that of several: a checklist that is chosen shows its fields at once, without a page that is
// loaded anew; what is wrong first has the focus; and times that are often chosen are a click away.

const form = document.querySelector("form.dispatch");
const button = form?.querySelector("button[name=choose]");
const PARTS = ["of-template", "prefill-of-template", "system-of-template"];
let count = 0; // choices made: only the last one's answer counts

button?.remove(); // it is for browsers without scripts, and would be what Enter presses
(document.querySelector("[data-focus]") ?? form?.querySelector("[aria-invalid=true]"))?.focus();

form?.elements.namedItem("template_id").addEventListener("change", async () => {
  const number = ++count;
  const body = new URLSearchParams(new FormData(form));
  body.set("choose", "1");
  // A POST: values may be secrets, which must not stand in an address.
  const asked = { method: "POST", body, headers: { accept: "text/html" } };
  const response = await fetch(form.action, asked).catch(() => null);
  if (!response?.ok) return; // what can't be shown now is asked for when the form is sent
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
