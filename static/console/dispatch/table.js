// Loads a file into the text field of the table, where it can be checked and edited before it is sent.

const table = document.getElementById("f-table");
const field = document.getElementById("file");
const wrong = document.getElementById("file-wrong");

if (field) {
  field.closest("[hidden]").hidden = false;
  field.addEventListener("change", async () => {
    const [file] = field.files;
    field.value = "";
    if (!file) return;
    wrong.textContent = file.size > Number(field.dataset.largest) ? field.dataset.tooLarge : await loadTable(file);
  });
}

/** Has the service convert the file to text. → the reason of a refusal, "" if there is none. */
async function loadTable(file) {
  try {
    const response = await fetch(field.dataset.path, {
      method: "POST",
      body: file,
      headers: {
        accept: "application/json",
        "content-type": "application/octet-stream",
        "x-csrf-token": field.form.elements.csrf.value,
      },
    });
    const answer = await response.json();
    if (!response.ok) return answer.detail;
    table.value = answer.text;
    table.focus();
    table.setSelectionRange(0, 0);
    return "";
  } catch {
    return field.dataset.failed;
  }
}
