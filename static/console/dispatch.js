// The form of a dispatch: a template that is chosen shows its fields at once, without a page that is loaded anew.

const form = document.querySelector("form.dispatch");
const button = form?.querySelector("button[name=choose]");
let count = 0; // choices made: only the last one's answer counts

button?.remove(); // it is for browsers without scripts, and would be what Enter presses

form?.elements.namedItem("template_id").addEventListener("change", async () => {
  const number = ++count;
  const body = new URLSearchParams(new FormData(form));
  body.set("choose", "1");
  // A POST: values may be secrets, which must not stand in an address.
  const asked = { method: "POST", body, headers: { accept: "text/html" } };
  const response = await fetch(form.action, asked).catch(() => null);
  if (!response?.ok) return; // what can't be shown now is asked for when the form is sent
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("of-template");
  if (fresh && number === count) document.getElementById("of-template").replaceWith(document.importNode(fresh, true));
});
