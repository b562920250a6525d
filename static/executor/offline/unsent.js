// The unsent answers and photos of a run that accepts nothing any more, with what a restored server lacks: shown,
// offered as a file, and deleted only when the person says so. Used by the page of an open run when the run ends, and
// by the server's page of a closed run.

import { h, icon, makeButton, openDialog, t } from "../dom.js";
import * as db from "./db.js";
import { loadModule } from "../http.js";

const EVIDENCE = new Set(["answer", "remark", "photo", "signature"]);
const isEvidence = ({ kind, isOfStored }) => EVIDENCE.has(kind) || isOfStored; // or a deletion of what the record has
const PASSING = new Set(["throttled", "unavailable", "internal"]);   // the run may still be open

/** → an element that shows a run's unsent items; null when there are none, and the run is then deleted from the phone.
 *  `end`: {kind, generation} of the run's end, where `generation` is that of the database in which it ended, null or
 *  missing as of a run that is unknown. `open`: the items in an open page's memory, which a full phone may not have
 *  stored. */
export async function unsentBox(run, end, open = []) {
  const isOver = !PASSING.has(end.kind);
  const isEnded = !isOver || (await endKept(run, end.generation ?? null));
  const { kept, unread: isPart } = await readItems(run);
  const unread = isPart || !isEnded; // of what is kept some may be lacking: nothing is deleted
  const known = new Set(kept.map((item) => item.id));
  const items = [...kept, ...open.filter((item) => !known.has(item.id))].filter(isEvidence);
  if (!items.length && !unread) {
    if (isOver) await deleteAll().catch(() => {});
    return null;
  }
  if (isOver) await db.deleteState(run).then(markEnd).catch(() => {});
  const box = h("section", { class: "unsent" }, items.length ? await saveOffer() : null, unread ? retryNotice() : null);
  return box;

  function deleteAll() {
    return db.deleteRun(run).then(markEnd);
  }

  async function markEnd() {
    if (end.kind === "completed") await (await loadModule("offline/kept")).markEnd(run, end.generation ?? 0);
  }

  async function saveOffer() {
    const note = await db.loadRun(run).catch(() => null);
    const file = await makeArchive(run, items, note);
    const canShare = navigator.canShare?.({ files: [file] }) ?? false;
    const share = () => navigator.share({ files: [file] }).catch(() => {});
    const save = () => saveFile(file, file.name);
    return [
      h("p", { class: "notice" }, icon("alert"), h("span", {}, t("holds", { n: items.length }))),
      h("p", { class: "soft" }, t("held_explained")),
      h("div", { class: "pair" },
        canShare ? makeButton("button primary", share, t("held_share")) : null,
        makeButton(canShare ? "button" : "button primary", save, icon("download"), h("span", {}, t("held_save"))),
        // Deleting takes all items, so it is offered only once all of them could be read.
        unread ? null : makeButton("button danger", confirmDelete, icon("bin"), h("span", {}, t("held_delete")))),
    ];
  }

  function retryNotice() {
    const again = makeButton("button", tryAgain, t("try_again"));
    const notice = h("p", { class: "notice" }, icon("alert"), h("span", {}, t("held_unread")));
    return [notice, h("div", { class: "pair" }, again)];

    async function tryAgain() {
      again.disabled = true;
      const found = await unsentBox(run, end, open);
      if (found) box.replaceWith(found);
      else box.remove();
    }
  }

  async function confirmDelete() {
    const sure = await openDialog(t("held_delete"), (close) => [
      h("p", {}, t("held_delete_sure", { n: items.length })),
      h("div", { class: "pair" },
        makeButton("button", () => close(false), t("back")),
        makeButton("button danger", () => close(true), t("delete"))),
    ]);
    if (!sure) return;
    await deleteAll();
    box.replaceChildren(h("p", { class: "notice good" }, icon("check"), h("span", {}, t("held_deleted"))));
  }
}

/** Makes unsent items of what is kept and lost, as in kept.js. → false when that failed. */
function endKept(run, generation) {
  return loadModule("offline/kept").then((kept) => kept.endKept(run, generation)).then(() => true, () => false);
}

/** Reads a run's items from the phone one by one, since an unreadable item must not hide the others.
 *  → {kept, unread}: the items in their order, and whether there may be more that could not be read. */
async function readItems(run) {
  const kept = [];
  let unread = false;
  try {
    const { ids } = await db.storedIds(run);
    for (const id of ids) {
      const item = await db.get(id).catch(() => void (unread = true));
      if (item) kept.push(item);
    }
  } catch {
    unread = true;
  }
  return { kept: kept.sort((one, other) => one.seq - other.seq), unread };
}

/** Saves a File or Blob to the phone's downloads. */
export function saveFile(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** → a File with a ZIP: every picture under its step's name, and the answers as text for people and as JSON for
 *  machines. `known`: the saved run (db.js), or undefined. */
async function makeArchive(run, items, known) {
  const { zip } = await loadModule("offline/zip");
  const label = ({ key }) => {
    const stepId = key.replace(/^remark /, "");
    const own = known?.labels?.[stepId] ?? stepId;
    return stepId === key ? own : `${own} - ${t("remark")}`;
  };
  const files = [];
  const lines = [known?.name ?? "", t("run_number") + ": " + run.slice(2, 10), ""];
  const data = [];
  for (const item of items) {
    const { kind, key: step, at } = item;
    if (item.body instanceof ArrayBuffer) {
      const ending = /jpeg|png|webp|heic|heif/.exec(item.type)?.[0].replace("jpeg", "jpg") ?? "bin";
      const name = `${String(files.length + 1).padStart(2, "0")} ${plainName(label(item))}.${ending}`;
      files.push({ name, bytes: new Uint8Array(item.body) });
      lines.push(`${label(item)}: ${name}`);
      data.push({ kind, step, at, photo_id: item.photo, file: name });
    } else if (kind === "delete") {
      const photo = item.path.split("/").at(-1);
      lines.push(`${label(item)}: ${t("delete")} (${photo})`);
      data.push({ kind, step, at, photo_id: photo });
    } else {
      const { text: noted, value = noted, skipped, unable } = item.body;
      lines.push(`${label(item)}: ${skipped ? t("skipped") : unable ? unable.reason : JSON.stringify(value)}`);
      data.push({ kind, step, at, ...item.body });
    }
  }
  const text = new TextEncoder();
  files.push({ name: "answers.txt", bytes: text.encode(`${lines.join("\n")}\n`) });
  files.push({ name: "answers.json", bytes: text.encode(JSON.stringify(data, null, 1)) });
  return new File([zip(files)], `checklist-${run.slice(2, 10)}.zip`, { type: "application/zip" });
}

/** → `words` as a file name without punctuation, at most 60 characters. */
function plainName(words) {
  return words.replace(/[^\p{L}\p{N} -]+/gu, "").trim().slice(0, 60) || "photo";
}
