// The choice between this phone's refused answer or remark and another phone's, so that neither is lost unseen.

import { h, icon, makeButton, t, textAttributes } from "../dom.js";

/** Shows the choice for an answer or remark in front of `place`, if there is one, as `view.rival`, and removes it where
 *  there is none any more. `words(theirs)`: what the other phone's says. */
export function showRival(view, key, place, words) {
  const { session } = view;
  const theirs = session.otherPhones.rivalOf(key);
  const said = theirs && words(theirs);
  if (said === (view.rival?.dataset.said ?? null)) return;
  view.rival?.remove();
  view.rival = theirs && h("div", { class: "notice rival", role: "alert", "data-said": said }, icon("phone"),
    h("div", {},
      h("p", {}, t("rival_wrote")), h("blockquote", textAttributes(""), said),
      h("div", { class: "pair" },
        makeButton("button", () => session.takeBack(key), t("use_theirs")),
        makeButton("button", () => session.otherPhones.keepMine(key), t("keep_mine")))));
  if (view.rival) place.before(view.rival);
}
