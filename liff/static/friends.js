// Bringing friends: one link to share, what it brings, and what came of it. No names: those are the friends' own.

import { _, _n, busy, fill, find, get, h, notice, start } from "./app.js";
import { share } from "./line.js";

start(async () => show(await get("/referral")));

function show(mine) {
  const send = h("button", { class: "button wide", type: "button" }, _("Share my link on LINE"));
  send.addEventListener("click", () => busy(send, () => share(mine.text)));
  const copy = h("button", { class: "button second wide", type: "button" }, _("Copy my link"));
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(mine.link).catch(() => {});
    notice(_("Your link is copied: paste it wherever you like."), "good");
  });
  fill(find("#friends"),
    h("ul", { class: "goals section" }, mine.goals.map((each) => h("li", {}, h("b", {}, each.reward), h("span", { class: "quiet" }, goalWords(each))))),
    h("p", { class: "section" }, send),
    h("p", { class: "section" }, copy),
    h("div", { class: "field section" }, h("label", { for: "link" }, _("My link")), h("input", { id: "link", readonly: true, value: mine.link })),
    h("section", { class: "section" },
      h("h2", {}, _("Who came")),
      h("p", {}, _n("%(n)s friend joined", "%(n)s friends joined", mine.succeeded), " · ", _n("%(n)s opened your link", "%(n)s opened your link", mine.invited)),
      mine.friends.length
        ? h("ul", { class: "rows" }, mine.friends.map((each) => h("li", {}, h("span", {}, _("A friend"), h("small", {}, each.words)), h("span", { class: "quiet" }, each.day))))
        : h("p", { class: "empty" }, _("Nobody yet. Share your link with somebody who would like it here.")),
    ),
    h("p", { class: "quiet section" }, _("A friend counts when they are new here, join within 30 days of opening your link, and have their phone checked in a store or by a code. Each friend counts once.")),
  );
}

const goalWords = (each) => each.target === 1 ? _("for each friend who joins") : _("for %(target)s friends: %(done)s so far", { target: each.target, done: each.progress });
