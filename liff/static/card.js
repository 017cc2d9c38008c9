// The card: first the card itself, one tap to its code, then what is next, coupons and purchases.

import { _, _n, clock, fill, find, get, h, notice, personMark, settings, start } from "./app.js";
import { showCode } from "./code.js";
import { missions } from "./mission.js";
import { progress } from "./progress.js";

const KEPT = (mark) => `regulars.card:${mark}`;
const LAST = `regulars.card.last:${window.name}`;

start(async () => {
  const card = await get("/card");
  keep(card);
  show(card);
  missionsOf(await get("/missions").catch(() => null)); // the card is there without them
}, { whenAway: showKept });

function keep(card) {
  for (const key of Object.keys(localStorage)) if (key.startsWith("regulars.card:")) localStorage.removeItem(key);
  localStorage.setItem(KEPT(personMark()), JSON.stringify({ card, at: Date.now() }));
  localStorage.setItem(LAST, personMark());
}

/** Without a connection: the last card, and when that was. */
function showKept() {
  const mark = personMark() ?? localStorage.getItem(LAST);
  const kept = JSON.parse(localStorage.getItem(KEPT(mark)) ?? "null");
  if (!kept) return false;
  show(kept.card, { away: true });
  const day = new Intl.DateTimeFormat(settings.language, { month: "short", day: "numeric" }).format(kept.at);
  notice(_("There is no connection. This is your card as of %(day)s, %(time)s.", { day, time: clock(kept.at) }));
  addEventListener("online", () => location.reload(), { once: true });
  return true;
}

function show(card, { away = false } = {}) {
  const open = () => showCode(card, { away });
  fill(
    find("#card"),
    h("h1", { class: "visually-hidden" }, _("My card")),
    face(card, open),
    h("p", { class: "under-card" }, h("button", { class: "button wide", type: "button", onclick: open }, _("Show my code"))),
    progress(card),
    access(card.access ?? []),
    h("div", { class: "stats" },
      stat(figure(card.points.balance), pointsWords(card.points), "/liff/tier"),
      stat(figure(card.coupons_count), _n("coupon to use", "coupons to use", card.coupons_count), "/liff/coupons"),
    ),
    coupons(card.coupons),
    h("div", { id: "missions" }),
    purchases(card.purchases),
  );
}

function missionsOf(mine) {
  const open = mine?.missions.filter((each) => !each.is_over).slice(0, 3) ?? [];
  if (!open.length) return;
  fill(find("#missions"), h("section", { class: "section" },
    h("div", { class: "row-head" }, h("h2", {}, _("Missions")), h("a", { href: "/liff/missions" }, _("All missions"))),
    missions(open),
  ));
}

function face(card, open) {
  return h("button", { class: "card", type: "button", onclick: open, "aria-label": cardWords(card) },
    h("span", { class: "card-top" },
      h("span", { class: "card-brand" }, brand(card)),
      h("span", { class: "card-tier" }, card.tier?.name ?? ""),
    ),
    h("span", { class: "card-bottom" },
      h("span", {}, h("span", { class: "card-name" }, card.name), h("span", { class: "card-number" }, card.number)),
      turnSign(),
    ),
  );
}

/** The logo where it is one of our own files, else the name: pages load nothing from elsewhere. */
const brand = (card) => (/^(\/(?!\/)|data:image\/)/.test(card.logo_url ?? "") ? h("img", { class: "card-logo", src: card.logo_url, alt: card.brand }) : card.brand);

const cardWords = (card) => _("Card of %(name)s, number %(number)s. Show my code", { name: card.name, number: card.number });

/** A small code-like drawing: says that the card turns to one. */
function turnSign() {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "card-turn");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M2 2h8v8H2zM4.500 4.500v3h3v-3zM14 2h8v8h-8zM16.500 4.500v3h3v-3zM2 14h8v8H2zM4.500 16.500v3h3v-3zM14 14h3v3h-3zM19 14h3v3h-3zM14 19h3v3h-3zM19 19h3v3h-3z");
  path.setAttribute("fill", "currentColor");
  path.setAttribute("fill-rule", "evenodd");
  drawing.append(path);
  return drawing;
}

const figure = (n) => new Intl.NumberFormat(settings.language).format(n);

function pointsWords(points) {
  if (!points.pending) return _n("point", "points", points.balance);
  return _("points, %(n)s more soon", { n: figure(points.pending) });
}

/** Paid memberships and clubs that run now, with their last day. */
function access(list) {
  if (!list.length) return null;
  const row = (each) => h("li", {}, h("span", {}, each.name), h("span", { class: "quiet" }, each.until ? _("until %(day)s", { day: each.until.words }) : _("without end")));
  return h("section", { class: "section", "aria-label": _("Memberships") }, h("ul", { class: "rows" }, list.map(row)));
}

const stat = (value, words, href) => h("a", { class: "stat", href }, h("b", {}, value), h("span", {}, words));

function coupons(list) {
  if (!list.length) return null;
  const ticket = (coupon) => h("li", {}, h("a", { class: "ticket", href: "/liff/coupons" },
    h("b", {}, coupon.title),
    h("span", { class: "quiet" }, coupon.until ? _("until %(day)s", { day: coupon.until.words }) : _("without end")),
  ));
  return h("section", { class: "section", "aria-label": _("My coupons") },
    h("div", { class: "row-head" }, h("h2", {}, _("My coupons")), h("a", { href: "/liff/coupons" }, _("All coupons"))),
    h("ul", { class: "tickets", tabindex: "0", "aria-label": _("My coupons") }, list.map(ticket)),
  );
}

function purchases(list) {
  const row = (each) => h("li", {},
    h("span", {}, each.store ?? _("Order"), h("small", {}, each.day.words)),
    h("span", { class: "figure" }, each.amount.words),
  );
  return h("section", { class: "section" },
    h("h2", {}, _("Recent purchases")),
    list.length
      ? h("ul", { class: "rows" }, list.map(row))
      : h("p", { class: "empty" }, _("What you buy appears here when your code is scanned at the counter.")),
  );
}
