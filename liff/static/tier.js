// Tier and points: every step with what it brings, where I stand, and what is missing.

import { _, _n, fill, find, get, h, settings, start } from "./app.js";
import { progress } from "./progress.js";

start(async () => show(await get("/tier")));

function show(ladder) {
  fill(
    find("#tier"),
    progress(ladder),
    h("section", { class: "section" }, h("h2", {}, _("Points")), points(ladder.points)),
    h("section", { class: "section" }, h("h2", {}, _("Tiers")), h("ol", { class: "ladder" }, ladder.steps.map(step))),
    h("p", { class: "quiet section" }, _("What you spend in 365 days counts. A higher tier is yours at once, and for a year.")),
  );
}

function points({ balance, pending, ending, ends }) {
  const figure = (n) => new Intl.NumberFormat(settings.language).format(n);
  return h("div", { class: "stat" },
    h("b", {}, figure(balance)),
    h("span", {}, pending ? _("points, %(n)s more soon", { n: figure(pending) }) : _n("point", "points", balance)),
    ends ? h("span", { class: "quiet" }, h("br"), _("%(n)s of them until %(day)s", { n: figure(ending), day: ends.words })) : null,
  );
}

function step(each) {
  return h("li", { class: each.is_mine ? "step mine" : "step" },
    h("div", { class: "step-head" },
      h("h3", {}, each.name),
      h("span", { class: "quiet" }, each.threshold.amount ? _("from %(amount)s", { amount: each.threshold.words }) : _("on joining")),
    ),
    each.is_mine ? h("p", { class: "here" }, _("You are here")) : null,
    each.benefits.length ? h("ul", {}, each.benefits.map((line) => h("li", {}, line))) : null,
  );
}
