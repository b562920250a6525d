// A button on every piece of code that copies it. Without this module the code can be selected as any text.

const READ_BY = document.createElement("p");
READ_BY.className = "visually-hidden";
READ_BY.setAttribute("role", "status");
document.body.append(READ_BY);

for (const figure of document.querySelectorAll("figure.code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${figure.querySelector("figcaption").textContent}`);
  button.addEventListener("click", () => copied(figure.querySelector("code"), button));
  figure.querySelector("figcaption").append(button);
}

async function copied(code, button) {
  const done = await written(code);
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  READ_BY.textContent = button.textContent;
  setTimeout(() => {
    button.textContent = "Copy";
    READ_BY.textContent = "";
  }, 2000);
}

// Over plain http there is no clipboard to write to: then the text is selected, and the old way tried.
async function written(code) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      // not allowed here
    }
  }
  getSelection().selectAllChildren(code);
  return document.execCommand("copy");
}
