// What this phone keeps after its receipt, for 7 days: the server may be restored to an older state, and then the phone
// sends again what the server lacks. It is deleted before when the run ends, or when the server has it no more for
// another reason: replaced, or deleted. Marks: rules/marks.js.

import { announce, h, icon, makeButton, setText, t } from "../dom.js";
import * as db from "./db.js";
import { receiptsIn, remarkKey, stepIdOf } from "../rules.js";

const KEPT_MS = 7 * 24 * 3600 * 1000;

/** Deletes the kept items that a `state` of their generation no longer names. `marks`: those whose receipts are older
 *  than the state. */
export async function forget(session, state, marks) {
  const lost = session.lost.filter((one) => !isThereAgain(one, state));
  if (lost.length < session.lost.length) {
    session.lost = lost;
    session.changed(null);
  }
  const isGone = (mark) => mark.generation === generationOf(state) && !isInForce(mark, state);
  await db.settle(state.run.run_id, marks.filter(isGone).map(({ item }) => item));
}

/** Sends again what the `state` of a restored server lacks. An answer, remark or signature replaces none, or an earlier
 *  one of this phone; where another phone's is in force, the person decides. `isBegun`: whether this phone knows that
 *  the run was started; nobody may have done so on the server, and the phone that did so may be away. */
export async function sendAgain(session, state, isBegun) {
  const run = state.run.run_id;
  const { marks } = await db.storedIds(run);
  const others = marks.filter(({ generation }) => generation !== generationOf(state));
  const old = others.filter((mark) => !isEnd(mark));
  const ends = others.filter(isEnd);
  session.lost = [...session.lost, ...ends];
  await db.settle(run, ends.map(({ item }) => item));
  const isConfirmed = (mark) => (mark.kind === "delete" ? false : isInForce(mark, state));
  for (const mark of old.filter(isConfirmed)) await db.settle(run, [], { ...mark, generation: generationOf(state) });
  const isReplaced = ({ item, kind, key, version }) => (kind === "photo" ? session.photoStore.isDeleted(version)
    : session.outbox.isReplaced(version) || session.outbox.items.some((one) => (
      one.lane === "answers" && one.kind === kind && one.key === key && one.id !== item)));
  const again = [];
  for (const mark of old.filter((one) => !isConfirmed(one))) {
    if (isReplaced(mark)) { // looked at one by one: the person goes on answering
      await db.settle(run, [mark.item]);
    } else {
      await putUnsent(mark, state, session);
      again.push(mark.item);
    }
  }
  await session.outbox.sendAgain(again);
  if (isBegun && state.run.status === "pending" && !session.outbox.hasItem("start")) session.outbox.start({});
}

/** Makes a kept item an unsent one, if it is still there. */
function putUnsent(mark, state, session) {
  const { of: run, item: id, kind, key } = mark;
  if (kind === "remark" || (kind === "answer" && session.stepById.get(key)?.type !== "photo")) {
    // The server refuses what replaces another than the one in force, so that a person decides about a rival. What
    // answers a photo step replaces none: the photos of two phones count together.
    const replaces = (body) => (isRival(mark, state) ? body.replaces ?? null : versionIn(state, mark));
    return db.putUnsent(run, id, (item) => ({ ...item, body: { ...item.body, replaces: replaces(item.body) } }));
  }
  if (kind === "signature" && isRival(mark, state)) {
    const problem = { status: 409, members: { code: "answer_changed" } };
    return db.putUnsent(run, id, (item) => ({ ...item, problem }));
  }
  return db.unmark(run, [id]);
}

/** → what a page knew of a run, `known`, and neither the server has, restored to `state`, nor this phone: [{kind, key,
 *  version, isEmpty, given, heard}], the first four as in marks; `given`, which photos and deletions lack, is the time
 *  when it was given, `heard` the server's time in the known state. */
export function findLost(session, known, state) {
  const { items, marks } = session.outbox;
  // What this phone has given since is in the queue, or there already.
  const own = [...items, ...marks.filter((mark) => mark.generation === generationOf(state))];
  const photoOf = (one) => one.version ?? one.photo ?? one.path.split("/").at(-1); // also of a deletion
  const isGivenSince = ({ kind, key, version }) => own.some((one) =>
    one.key === key && (kind === "photo" || kind === "delete" ? photoOf(one) === version : one.kind === kind));
  const all = [...session.lost, ...namedIn(known), ...lostDeletions(known, state)];
  return all.map((one) => ({ heard: known.server_time, ...one }))
    .filter((one) => one.version && !isThereAgain(one, state) && !isGivenSince(one));
}

/** → what a known state names, as in `findLost`. */
function namedIn(known) {
  const answers = Object.entries(known.answers).map(([key, one]) => (one.answer_id
    ? { kind: "answer", key, version: one.answer_id, given: givenAt(one) }
    : { kind: "remark", key, version: one.remark_id, given: givenAt(one) }));
  const photos = Object.entries(known.photos).flatMap(([key, receipts]) => (
    receipts.map(({ photo_id: version }) => ({ kind: "photo", key, version }))));
  const signatures = Object.entries(known.signatures).map(([key, { sha256: version }]) => (
    { kind: "signature", key, version, given: givenAt(known.signatures[key]) }));
  return [...answers, ...photos, ...signatures];
}

/** → the deletions of photos and remarks by another phone that the server lacks, as in `findLost`: `known` is of after
 *  their arrival and does not name them. Not of the same second, in which they may have come afterwards. */
function lostDeletions(known, state) {
  const isDeleted = (at, isNamed) => !isNamed && at < known.server_time;
  const photos = Object.entries(receiptsIn(state)).flatMap(([key, receipts]) => {
    const named = new Set(known.photos[key]?.map((one) => one.photo_id));
    return receipts.filter((one) => isDeleted(one.received_at, named.has(one.photo_id)))
      .map(({ photo_id: version }) => ({ kind: "delete", key, version }));
  });
  const remarks = Object.entries(state.remarks).map(([id, one]) => ({ key: remarkKey(id), ...one }))
    .filter(({ key, at }) => isDeleted(at, known.answers[key]))
    .map(({ key, remark_id: version }) => ({ kind: "remark", key, version, isEmpty: true, given: known.server_time }));
  return [...photos, ...remarks];
}

/** Shows in the `headers` that the server was restored, and what is lost, until the person closes it. */
export function showPutBack(session, headers) {
  const close = () => {
    session.lost = [];
    session.changed(null);
    session.save();
    for (const notice of notices) notice.remove();
  };
  const notices = headers.map(() => h("p", { class: "notice put-back" }, icon("alert"),
    h("span", {}, h("span", {}), " ", makeButton("link", close, t("close")))));
  headers.forEach((header, i) => {
    header.querySelector(".put-back")?.remove();
    header.append(notices[i]);
  });
  const update = () => {
    const label = ({ key }) => session.stepById.get(stepIdOf(key))?.label ?? t("closing_signature");
    const labels = (is) => [...new Set(session.lost.filter(is).map(label))].join(", ");
    const isDeletion = ({ kind, isEmpty }) => kind === "delete" || isEmpty;
    const lost = labels((one) => !isEnd(one) && !isDeletion(one));
    const deleted = labels(isDeletion);
    const words = [t("put_back")];
    if (session.lost.some(isEnd)) words.push(t("put_back_ended"));
    if (lost) words.push(t("put_back_lost", { steps: lost }));
    if (deleted) words.push(t("put_back_again", { steps: deleted }));
    for (const notice of notices) setText(notice.querySelector("span > span"), words.join(" "));
  };
  session.addEventListener("change", update);
  update();
  announce(t("put_back"));
}

/** Before a run's end is shown: deletes what was confirmed in the `generation` in which it ended. The rest is unsent
 *  again, as is everything of an unknown run (null). */
export async function endKept(run, generation) {
  const { marks } = await db.storedIds(run);
  const [gone, rest] = [[], []];
  for (const mark of marks) (mark.generation === generation ? gone : rest).push(mark.item);
  await db.settle(run, gone);
  await db.unmark(run, rest);
}

/** Deletes what is kept of any run for more than 7 days. */
export async function deleteOverdue() {
  const isOverdue = ({ at }) => Math.abs(Date.now() - at) > KEPT_MS; // or ahead of a clock that was put back
  for (const { of: run, item } of (await db.listMarks()).filter(isOverdue)) await db.settle(run, [item]);
}

/** Remembers of a completed run, deleted from this phone, only that it was: the page says so if it is open again. */
export function markEnd(run, generation) {
  const mark = { item: `${run} end`, kind: "end", key: "", version: "end", earlier: [], isEmpty: false };
  return db.settle(run, [], { ...mark, generation, at: Date.now() });
}

const isEnd = ({ kind }) => kind === "end";
const generationOf = (state) => state.generation ?? 0;

function photosOf(state, key) {
  const receipts = key.startsWith("remark ") ? state.remark_photos?.[stepIdOf(key)] : state.photos[key];
  return (receipts ?? []).map((receipt) => receipt.photo_id);
}

/** → the version of an answer, remark or signature that is in force, or null. */
function versionIn(state, { kind, key }) {
  switch (kind) {
    case "answer": return state.answers[key]?.answer_id ?? null;
    case "remark": return state.remarks[stepIdOf(key)]?.remark_id ?? null;
    case "signature": return state.signatures[key]?.sha256 ?? null;
    default: return null;
  }
}

/** True when the server has what a mark stands for. */
function isInForce(mark, state) {
  switch (mark.kind) {
    case "start": return state.run.status !== "pending";
    case "photo": return photosOf(state, mark.key).includes(mark.version);
    case "delete": return !photosOf(state, mark.key).includes(mark.version);
    default: return versionIn(state, mark) === (mark.isEmpty ? null : mark.version); // an empty remark is not named
  }
}

/** True when the server has what was lost: another phone has sent it again, or a newer one in its place. */
function isThereAgain(lost, state) {
  const { answers, remarks, signatures } = state;
  const newer = {
    answer: answers[lost.key], remark: remarks[stepIdOf(lost.key)], signature: signatures[lost.key],
  }[lost.kind];
  if (isInForce(lost, state)) return true;
  if (newer === undefined) return false;
  // Of one second, what came after the known state is the newer.
  return givenAt(newer) > lost.given || (givenAt(newer) === lost.given && newer.at > lost.heard);
}

/** → the time when an answer or a remark was given, as its phone says, or when it or a signature came. */
const givenAt = (one) => one?.answered_at ?? one?.at ?? one?.received_at ?? "";

/** True when another phone's version is in force. */
function isRival(mark, state) {
  const version = versionIn(state, mark);
  return version !== null && version !== mark.version && !mark.earlier.includes(version);
}
