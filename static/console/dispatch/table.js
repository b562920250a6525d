// A file becomes the text of the table, for everybody to see and change before it is sent.

const table = document.getElementById("f-table");
const field = document.getElementById("file");
const wrong = document.getElementById("file-wrong");

if (field) {
  field.closest("[hidden]").hidden = false;
  field.addEventListener("change", async () => {
    const [file] = field.files;
    field.value = "";
    if (!file) return;
    wrong.textContent = file.size > Number(field.dataset.largest) ? field.dataset.tooLarge : await read(file);
  });
}

/** Has the service read the file. → why it was refused, "" where it was not. */
async function read(file) {
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
