// Coupons as tickets: what can be claimed, what is ready to show, why not yet, and what is behind.

import { _, _n, attempt, busy, fill, find, get, h, notice, post, start } from "./app.js";
import { showCouponCode } from "./code.js";

const ASKED = new URLSearchParams(location.search).get("coupon");

start(load);

async function load() {
  const query = ASKED ? `?${new URLSearchParams({ coupon: ASKED })}` : "";
  show(await get(`/coupons${query}`));
}

function show(mine) {
  const open = mine.offers.filter((each) => each.claimable);
  const later = mine.offers.filter((each) => !each.claimable);
  fill(find("#coupons"),
    section(_("Ready to use"), mine.ready.map(ready)),
    section(_("Yours to claim"), open.map(claimable)),
    section(_("Not yet"), later.map(notYet)),
    nothing(mine) ? h("p", { class: "empty section" }, _("There are no coupons just now. New ones appear here, and we tell you in the chat.")) : null,
    behind(mine),
  );
  if (ASKED) document.getElementById(`coupon-${ASKED}`)?.scrollIntoView({ block: "center" });
}

const nothing = (mine) => !mine.offers.length && !mine.ready.length;

function section(title, tickets) {
  return tickets.length ? h("section", { class: "section" }, h("h2", {}, title), h("ul", { class: "stack" }, tickets)) : null;
}

function ticket(coupon, { id, state = "", notes = [], foot }) {
  return h("li", { class: `coupon ${state}`, id },
    h("div", { class: "coupon-main" },
      h("h3", {}, coupon.title),
      coupon.gives !== coupon.title ? h("p", { class: "gives" }, coupon.gives) : null,
      coupon.min_spend ? h("p", { class: "quiet" }, _("From a purchase of %(amount)s", { amount: coupon.min_spend })) : null,
      coupon.limits.map((words) => h("p", { class: "quiet" }, words)),
      coupon.terms ? h("p", { class: "quiet" }, coupon.terms) : null,
      notes.filter(Boolean).map((words) => h("p", { class: "quiet" }, words)),
    ),
    foot ? h("div", { class: "coupon-foot" }, foot) : null,
  );
}

function ready(claim) {
  const put = h("button", { class: "button wide", type: "button", "aria-label": `${_("Show the code")}: ${claim.coupon.title}`, onclick: () => showCouponCode(claim, load) }, _("Show the code"));
  return ticket(claim.coupon, { id: `coupon-${claim.coupon_id}`, state: "ready", notes: [claim.until ? _("Good until %(day)s", { day: claim.until }) : ""], foot: put });
}

function claimable(offer) {
  const take = h("button", { class: "button second wide", type: "button", "aria-label": `${_("Claim the coupon")}: ${offer.coupon.title}` }, _("Claim the coupon"));
  take.addEventListener("click", () => busy(take, async () => {
    const made = await attempt(() => post(`/coupons/${encodeURIComponent(offer.id)}/claims`));
    await attempt(load);
    if (made) notice(_("It is yours: %(title)s. Show its code at the counter.", { title: made.coupon.title }), "good");
  }));
  const notes = [offer.left === null ? "" : _n("%(n)s is left", "%(n)s are left", offer.left), offer.until ? _("Claim it by %(day)s", { day: offer.until }) : ""];
  return ticket(offer.coupon, { id: `coupon-${offer.id}`, notes, foot: take });
}

function notYet(offer) {
  return ticket(offer.coupon, { id: `coupon-${offer.id}`, state: "later", foot: h("p", {}, offer.why_not) });
}

function behind(mine) {
  const row = (claim, words) => h("li", {}, h("span", {}, claim.coupon.title), h("span", { class: "figure quiet" }, words));
  const rows = [
    ...mine.used.map((claim) => row(claim, _("used %(day)s", { day: claim.used_on }))),
    ...mine.expired.map((claim) => row(claim, _("ended %(day)s", { day: claim.until }))),
  ];
  return rows.length ? h("section", { class: "section" }, h("h2", {}, _("Used and ended")), h("ul", { class: "rows" }, rows)) : null;
}
