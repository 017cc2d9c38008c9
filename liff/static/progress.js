// How far it is to the next tier, and what keeps the present one: a thin line and the sentences that say it.

import { h } from "./dom.js";
import { _ } from "./words.js";

/** `next` and `keep` as the card gives them; nothing when there is nothing to reach or lose. */
export function progress({ next, keep }) {
  if (!next && !keep) return null;
  return h("div", { class: "progress" },
    next ? track(next) : null,
    next ? h("p", {}, nextWords(next)) : null,
    keep ? h("p", { class: next ? "quiet" : null }, keepWords(keep)) : null,
  );
}

function track(next) {
  const done = h("div", { class: "done" });
  const share = next.threshold.amount ? Math.min(100, Math.max(0, (100 * next.sum.amount) / next.threshold.amount)) : 0;
  requestAnimationFrame(() => requestAnimationFrame(() => { done.style.width = `${share}%`; }));
  return h("div", { class: "track", "aria-hidden": "true" }, done);
}

function nextWords(next) {
  const values = { amount: next.remaining.words, tier: next.tier, day: next.by?.words };
  return next.by ? _("%(amount)s more by %(day)s for %(tier)s", values) : _("%(amount)s more for %(tier)s", values);
}

function keepWords(keep) {
  const values = { tier: keep.tier, day: keep.by.words, amount: keep.remaining.words };
  if (keep.remaining.amount === 0) return _("%(tier)s is yours until %(day)s, and what keeps it is spent already.", values);
  return _("%(tier)s is yours until %(day)s. %(amount)s more by then keeps it.", values);
}
