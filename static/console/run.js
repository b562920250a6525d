// The page of one run: the link copied, and what is printed.

const print = document.getElementById("print");
print.hidden = false;
print.addEventListener("click", async () => {
  print.disabled = true;
  await Promise.allSettled([...document.querySelectorAll("img[data-full]")].map((one) => {
    one.src = one.dataset.full;
    return one.decode();
  }));
  print.disabled = false;
  window.print();
});

for (const button of document.querySelectorAll("button[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    field.select();
    // Over plain http there is no clipboard but for what is selected.
    const copied = await (navigator.clipboard?.writeText(field.value).then(() => true, () => false) ?? document.execCommand("copy"));
    if (!copied) return;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}
