// Marks of items that have their receipt and stay on the phone, in case the server is restored to an older state:
//   {item: its id, kind, key, version, earlier, isEmpty, generation, at}
// `version` names its content to the server: the id of an answer, remark or photo, the SHA-256 of a signature.
// `earlier` are the versions that this phone gave before; `isEmpty`: a remark that was taken back. `generation` is that
// of the database that the receipt is from, `at` its time by this phone's clock. A mark of kind "end" has no item: the
// run was completed, and all else of it is deleted from this phone. Pure: no DOM, no state.

const MAX_EARLIER = 200;   // as many answers as a step may have

const isOf = ({ kind, key }) => (other) => other.kind === kind && other.key === key;

/** → the versions that this phone gave before a new answer, remark or signature, as far as it still knows. `items`:
 *  those in the queue. */
export function earlierVersions(item, items, marks) {
  const versionOf = ({ answer_id: answer, remark_id: remark }) => answer ?? remark;
  const unsent = items.filter(isOf(item)).flatMap(({ earlier, body }) => [...earlier, versionOf(body)]);
  const kept = marks.filter(isOf(item)).flatMap(({ earlier, version }) => [...earlier, version]);
  return [...new Set([...kept, ...unsent])].filter(Boolean).slice(-MAX_EARLIER);
}

/** → what to keep of an item after its receipt `answer`: {mark: its mark, or null where it is not in force, gone: the
 *  ids of items that it replaces}. `marks`: those of the run. */
export function keptMark({ id: item, kind, key, photo, path, body, earlier }, answer, marks) {
  if (kind === "complete") return { mark: null, gone: [] };
  const own = { start: "start", answer: body?.answer_id, remark: body?.remark_id, signature: answer.sha256 }[kind];
  const version = own ?? photo ?? path.split("/").at(-1);
  const inForce = { answer: answer.step?.answer_id, remark: answer.remark?.remark_id }[kind] ?? version;
  // A deletion replaces its photo; photos and deletions replace none of their own kind.
  const isReplaced = own ? isOf({ kind, key }) : (mark) => kind === "delete" && mark.version === version;
  const gone = marks.filter((mark) => isReplaced(mark) && mark.item !== item && !(own && mark.version === inForce));
  const isEmpty = kind === "remark" && !body.text && !body.photos.length;
  const mark = { item, kind, key, version, earlier, isEmpty, generation: answer.generation ?? 0, at: Date.now() };
  return { mark: inForce === version ? mark : null, gone: gone.map((other) => other.item) };
}
