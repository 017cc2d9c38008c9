// What the person has booked, waits for, and is held for them; to change, cancel, leave or take.

import { _, attempt, busy, fill, find, h, notice, post, remove } from "./app.js";

/** Draws both lists; `on.move(booking)` begins a change, `on.done()` runs after anything was given back or taken. */
export function drawMine(mine, on) {
  const offered = mine.waitlist.filter((entry) => entry.state === "offered");
  const waiting = mine.waitlist.filter((entry) => entry.state !== "offered");
  fill(find("#mine"),
    offered.map((entry) => offer(entry, on)),
    mine.bookings.length + waiting.length
      ? h("section", { class: "section" }, h("h2", {}, _("Coming up")), h("ul", { class: "rows visits" }, mine.bookings.map((each) => booked(each, on)), waiting.map((each) => inLine(each, on))))
      : null,
  );
  fill(find("#past"), mine.past.length ? h("section", { class: "section" }, h("h2", {}, _("Past visits")), h("ul", { class: "rows" }, mine.past.map(past))) : null);
}

const whenWords = (each) => each.when.words;

function offer(entry, on) {
  const take = h("button", { class: "button", type: "button" }, _("Take the seat"));
  take.addEventListener("click", () => busy(take, async () => {
    const made = await attempt(() => post(`/waitlist/${entry.id}/acceptance`));
    await on.done();
    if (made) notice(_("Booked: %(when)s, %(store)s. See you there.", { when: made.when.words, store: made.store.name }), "good");
  }));
  return h("section", { class: "offer section" },
    h("h2", {}, _("A seat is held for you until %(time)s", { time: entry.held_until })),
    h("p", {}, whenWords(entry), h("small", {}, entry.store.name)),
    h("div", { class: "actions" }, take, leave(entry, on, _("Let it go"))),
  );
}

function booked(each, on) {
  const actions = h("div", { class: "actions" });
  const ask = () => actions.replaceChildren(
    confirmCancel(each, on),
    h("button", { class: "link", type: "button", onclick: offerActions }, _("Keep it")),
  );
  const offerActions = () => actions.replaceChildren(
    h("button", { class: "link", type: "button", onclick: () => on.move(each), "aria-label": _("Change %(when)s", { when: whenWords(each) }) }, _("Change")),
    h("button", { class: "link", type: "button", onclick: ask, "aria-label": _("Cancel %(when)s", { when: whenWords(each) }) }, _("Cancel")),
  );
  if (each.may_change) offerActions();
  else actions.append(h("small", {}, stays(each)));
  return h("li", {}, h("span", {}, h("b", {}, whenWords(each)), h("small", {}, each.store.name, each.store.address ? ` · ${each.store.address}` : "")), actions);
}

function stays(each) {
  if (each.state === "arrived") return _("You have arrived");
  return each.store.phone ? _("To cancel now, call %(phone)s", { phone: each.store.phone }) : _("To cancel now, write to us in the chat");
}

function confirmCancel(each, on) {
  const button = h("button", { class: "button danger", type: "button" }, _("Cancel %(time)s", { time: each.when.time }));
  button.addEventListener("click", () => busy(button, async () => {
    const gone = await attempt(() => remove(`/bookings/${each.id}`));
    await on.done();
    if (gone === null) notice(_("Cancelled: %(when)s. The seat is free for someone else.", { when: whenWords(each) }), "good");
  }));
  requestAnimationFrame(() => button.focus());
  return button;
}

function inLine(entry, on) {
  return h("li", {},
    h("span", {}, h("b", {}, whenWords(entry)), h("small", {}, _("Number %(place)s in line · %(store)s", { place: entry.place, store: entry.store.name }))),
    h("div", { class: "actions" }, leave(entry, on, _("Leave the line"))),
  );
}

function leave(entry, on, words) {
  const button = h("button", { class: "link", type: "button", "aria-label": `${words}: ${whenWords(entry)}` }, words);
  button.addEventListener("click", () => busy(button, async () => {
    await attempt(() => remove(`/waitlist/${entry.id}`));
    await on.done();
  }));
  return button;
}

function past(each) {
  const words = { arrived: _("visited"), no_show: _("missed") }[each.state] ?? "";
  return h("li", {}, h("span", {}, whenWords(each), h("small", {}, each.store.name)), h("span", { class: "figure quiet" }, words));
}
