// What the server refused because of another phone: answers and remarks, where the one in force is not what they
// replace, and photos. About some no person has to decide.

import { idOf, isAnswer, isLeftOut } from "../rules.js";

/** Sends those of the refused `items` again that replace none, or an earlier one of this phone, as `isOurs(id)` tells:
 *  then the server was restored to an older state. If only the photos of a refused answer had changed, gives the answer
 *  anew with the step's present value. Removes a photo that the server had before, and that another phone has deleted.
 *  About the others the person decides. */
export function decideWithoutPerson(session, items, isOurs) {
  for (const item of items) {
    if (item.problem?.code === "photo_deleted" && session.outbox.sentBefore.has(item.id)) {
      const photo = session.photoStore.ofStep(item.key).find((one) => one.item === item);
      if (photo) session.photoStore.remove(photo);
    }
    const local = session.localOf(item.key);
    if (!isAnswer(item) || local?.item !== item || !item.problem) continue;
    if (session.outbox.isReplaced(idOf(item.body))) {
      session.takeBack(item.key); // it was sent again while a newer one was on its way
      continue;
    }
    const inForce = session.answers[item.key];
    const replaces = idOf(inForce);
    if (replaces === null || isOurs(replaces)) {
      local.problem = null;
      item.body = { ...item.body, replaces };
      session.outbox.retry(item);
    } else if (item.isOfPhotos && isLeftOut(inForce)) {
      session.otherPhones.keepMine(item.key);
    } else if (item.isOfPhotos) {
      session.takeBack(item.key);
      session.answerPhotos(item.key);
    }
  }
  for (const { problem } of items) if (problem) problem.isDecided = true;
  session.emit("run");
}
