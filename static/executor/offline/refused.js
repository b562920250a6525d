// Answers and remarks that the server refused because the one in force is not what they replace. Some need no person.

import { idOf, isAnswer, isLeftOut } from "../rules.js";

/** Sends those of the refused `items` again that replace none, or an earlier one of this phone, as `isOurs(id)` tells:
 *  then the server was restored to an older state. If only the photos of a refused answer had changed, gives the answer
 *  anew with the step's present value. About the others the person decides. */
export function sendWhatNeedsNoPerson(session, items, isOurs) {
  for (const item of items) {
    const local = session.localOf(item.key);
    if (!isAnswer(item) || local?.item !== item || !item.problem) continue;
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
}
