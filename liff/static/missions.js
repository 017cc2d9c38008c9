// Missions: what can be reached now, and the tickets in hand with the draws they are for.

import { _, _n, fill, find, get, h, start } from "./app.js";
import { missions } from "./mission.js";

start(async () => show(await get("/missions")));

function show(mine) {
  const open = mine.missions.filter((each) => !each.is_over);
  const over = mine.missions.filter((each) => each.is_over);
  fill(find("#missions"),
    open.length ? h("section", { class: "section" }, h("h2", {}, _("To reach now")), missions(open)) : h("p", { class: "empty section" }, _("There is nothing to reach just now. New missions appear here.")),
    mine.draws.length ? h("section", { class: "section" }, h("h2", {}, _("My tickets")), h("ul", { class: "missions" }, mine.draws.map(draw))) : null,
    over.length ? h("section", { class: "section" }, h("h2", {}, _("Done")), missions(over)) : null,
    h("p", { class: "section" }, h("a", { class: "button second wide", href: "/liff/friends" }, _("Bring a friend"))),
  );
}

function draw(each) {
  const words = {
    open: _("Drawn after %(day)s", { day: each.closes }),
    closed: _("Closed. It is drawn in a moment."),
    won: _("You have won: %(prize)s", { prize: each.prize ?? "" }),
    lost: _("Drawn. None of your tickets won this time."),
  }[each.state];
  return h("li", { class: "mission" },
    h("h3", {}, each.name),
    h("p", { class: "how-far" }, words),
    h("p", { class: "quiet" }, _n("%(n)s ticket:", "%(n)s tickets:", each.tickets.length), " ", h("span", { class: "refs" }, each.tickets.join(" "))),
    h("p", {}, h("a", { href: each.url }, _("How it is drawn, and how to check it"))),
  );
}
