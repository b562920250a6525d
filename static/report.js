// A report's page: its button prints, once all photos are there.

const button = document.getElementById("print");
button.hidden = false;
button.addEventListener("click", async () => {
  button.disabled = true;
  await Promise.allSettled([...document.images].map((one) => one.decode()));
  button.disabled = false;
  print();
});
