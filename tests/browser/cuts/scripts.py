"""What runs in the page of a random cut: it tells what the phone keeps."""

# Tells the test the bytes of each photo as the page keeps them: the browser may be killed before it has kept a note.
# And when the page can be used: what stands there before may be on its way to something else.
WATCH = """(() => {
  addEventListener("usable", () => document.documentElement.setAttribute("usable", ""));
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (record) {
    if (record.kind === "photo" && record.body && !record.problem) {
      let letters = "";
      for (let at = 0; at < record.body.byteLength; at += 32768) {
        letters += String.fromCharCode(...new Uint8Array(record.body.slice(at, at + 32768)));
      }
      noteKept(record.photo, btoa(letters));
    }
    return put.call(this, record);
  };
})()"""
# What is unsent; of photos that nobody was told of, with their bytes.
KEPT = """([run, known]) => new Promise((done, failed) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const from = opening.result.transaction(["items", "runs"]);
    const items = from.objectStore("items").index("run").getAll(run);
    const saved = from.objectStore("runs").get(run);
    const drafts = from.objectStore("runs").getAll(IDBKeyRange.bound(`${run} `, `${run} \\uFFFF`));
    const marks = from.objectStore("runs").getAll(IDBKeyRange.bound(`kept ${run} `, `kept ${run} \\uFFFF`));
    const letters = (body) => Array.from(new Uint8Array(body), (byte) => String.fromCharCode(byte)).join("");
    from.oncomplete = () => {
      opening.result.close();
      const marked = new Set(marks.result.map(({ item }) => item));
      done([
        ...items.result.filter(({ id }) => !marked.has(id)).map(({ kind, key, photo, hold, body }) => ({
          kind, key, photo, hold, text: body?.value ?? body?.text ?? null,
          bytes: kind === "photo" && !known.includes(photo) ? btoa(letters(body)) : null })),
        { kind: "camera", key: saved.result?.camera?.step ?? null },
        ...drafts.result.map(({ step, text }) => ({ kind: "draft", key: step, text }))]);
    };
  };
})"""
