// One mission: what to do, how far it is as stamps or as a bar, and what reaching it brings.

import { h } from "./dom.js";
import { _, _n } from "./words.js";

/** A list of missions as the API gives them. */
export const missions = (list) => h("ul", { class: "missions" }, list.map(mission));

function mission(each) {
  return h("li", { class: each.is_over ? "mission over" : "mission" },
    h("h3", {}, each.name),
    each.text ? h("p", { class: "quiet" }, each.text) : null,
    each.look === "stamps" ? stamps(each) : bar(each),
    h("p", { class: "how-far" }, farWords(each)),
    h("p", { class: "quiet" }, _("For it: %(reward)s", { reward: each.reward })),
    each.rewarded && !each.is_over ? h("p", { class: "quiet" }, _n("Got it %(n)s time so far", "Got it %(n)s times so far", each.rewarded)) : null,
  );
}

function farWords(each) {
  if (each.is_over) return _("Done. It is yours.");
  const values = { done: each.progress_words, target: each.target_words, missing: each.missing_words, day: each.until };
  return each.until
    ? _("%(done)s of %(target)s. %(missing)s more by %(day)s.", values)
    : _("%(done)s of %(target)s. %(missing)s more to go.", values);
}

/** What the stamps show stands in words below. */
function stamps({ progress, target }) {
  const stamp = (_each, n) => h("span", { class: n < progress ? "stamp full" : n === target - 1 ? "stamp last" : "stamp" }, n < progress ? "✓" : String(n + 1));
  return h("div", { class: "stamps", "aria-hidden": "true" }, Array.from({ length: target }, stamp));
}

function bar({ progress, target }) {
  const done = h("div", { class: "done" });
  done.style.width = `${Math.min(100, (100 * progress) / target)}%`;
  return h("div", { class: "track", "aria-hidden": "true" }, done);
}
