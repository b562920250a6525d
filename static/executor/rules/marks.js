// Marks of items that have their receipt and stay on the phone, in case the server is restored to an older state:
//   {item: its id, kind, key, version, earlier, isEmpty, generation, at}
// `version` names its content to the server: the id of an answer, remark or photo, the SHA-256 of a signature. `earlier`
// are the versions that this phone gave before; `isEmpty`: a remark that was taken back. `generation` is that of the
// database that the receipt is from, `at` its time by this phone's clock. Pure: no DOM, no state.

const MAX_EARLIER = 200;   // as many answers as a step may have

/** → what to keep of an item after its receipt `answer`: {mark: its mark, or null where it is not in force, gone: the
 *  ids of items that it replaces}. `marks`: those of the run. */
export function keptMark({ id: item, kind, key, photo, path, body }, answer, marks) {
  if (kind === "complete") return { mark: null, gone: [] };
  const own = { start: "start", answer: body?.answer_id, remark: body?.remark_id, signature: answer.sha256 }[kind];
  const version = own ?? photo ?? path.split("/").at(-1);
  const inForce = { answer: answer.step?.answer_id, remark: answer.remark?.remark_id }[kind] ?? version;
  // A deletion replaces its photo; photos and deletions replace none of their own kind.
  const isFormer = (mark) => (own
    ? mark.kind === kind && mark.key === key : kind === "delete" && mark.kind === "photo" && mark.version === version);
  const former = marks.filter((mark) => isFormer(mark) && mark.item !== item);
  const gone = former.filter((mark) => !own || mark.version !== inForce).map((mark) => mark.item);
  if (inForce !== version) return { mark: null, gone };
  const earlier = own ? former.flatMap((mark) => [...mark.earlier, mark.version]).slice(-MAX_EARLIER) : [];
  const isEmpty = kind === "remark" && !body.text && !body.photos.length;
  const { generation = 0 } = answer;
  return { mark: { item, kind, key, version, earlier, isEmpty, generation, at: Date.now() }, gone };
}
