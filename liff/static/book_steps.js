// The three steps: store, day, time. An answered step folds to its answer; pressing it opens it again.

import { _, _n, fill, find, h, settings } from "./app.js";

const FEW = 3;

/** Draws the steps of `state`; `on` has what choosing does: open(step), store(key), day(date), time(slot), keep(). */
export function drawSteps(state, on) {
  const { fortnight } = state;
  if (!fortnight.store) {
    fill(find("#steps"), h("p", { class: "empty section" }, _("There is nothing to book yet. Come back when a store has opened its calendar.")));
    find(".foot").hidden = true;
    return;
  }
  const focused = document.activeElement?.id;
  fill(find("#steps"), moving(state.moving, on), storeStep(state, on), dayStep(state, on), timeStep(state, on));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  find(".day[aria-pressed=true]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

function moving(booking, on) {
  if (!booking) return null;
  const values = { when: booking.when.words };
  return h("p", { class: "notice section" }, _("Choose where to move %(when)s.", values), " ",
    h("button", { class: "link", type: "button", onclick: on.keep }, _("Keep it as it is")));
}

function step(name, label, answer, body, { isOpen, onOpen, foldable = true }) {
  const head = foldable
    ? h("button", { class: "step-head", type: "button", id: `step-${name}`, "aria-expanded": String(isOpen), onclick: onOpen }, h("span", {}, label), h("b", {}, isOpen ? "" : answer))
    : h("div", { class: "step-head" }, h("span", {}, label), h("b", {}, answer));
  return h("section", { class: isOpen ? "step open" : "step" }, h("h2", {}, head), isOpen ? body() : null);
}

function storeStep(state, on) {
  const { stores, store } = state.fortnight;
  const body = () => h("div", { class: "choices", role: "group", "aria-label": _("Store") },
    stores.map((each) => h("button", { class: "choice", type: "button", id: `store-${each.key}`, "aria-pressed": String(state.storeChosen && each.key === store), onclick: () => on.store(each.key) },
      h("span", {}, each.name, each.address ? h("small", {}, each.address) : null),
    )));
  const name = stores.find((each) => each.key === store)?.name ?? "";
  return step("store", _("Store"), name, body, { isOpen: state.open === "store" && stores.length > 1, onOpen: () => on.open("store"), foldable: stores.length > 1 });
}

function dayStep(state, on) {
  const { days, date } = state.fortnight;
  const body = () => h("div", { class: "strip", role: "group", "aria-label": _("Day") }, days.map((day) => dayChip(day, day.date === state.day, on)));
  const answer = state.day ? (days.find((day) => day.date === date)?.day ?? date) : "";
  return step("day", _("Day"), answer, body, { isOpen: state.open === "day", onOpen: () => on.open("day") });
}

function dayChip(day, isChosen, on) {
  const at = new Date(`${day.date}T00:00:00Z`);
  const part = (options) => new Intl.DateTimeFormat(settings.language, { ...options, timeZone: "UTC" }).format(at);
  const closed = day.state === "closed";
  const state = { full: _("full"), closed: _("closed"), open: "" }[day.state];
  return h("button", { class: `day ${day.state}`, type: "button", id: `day-${day.date}`, disabled: closed, "aria-pressed": String(isChosen), "aria-label": state ? `${day.day}, ${state}` : day.day, onclick: () => on.day(day.date) },
    h("span", { "aria-hidden": "true" }, part({ weekday: "short" })),
    h("b", { "aria-hidden": "true" }, String(at.getUTCDate())),
    h("small", { "aria-hidden": "true" }, state || part({ month: "short" })),
  );
}

function timeStep(state, on) {
  const { slots } = state.fortnight;
  const body = () => slots.length
    ? h("fieldset", { class: "times" }, h("legend", { class: "visually-hidden" }, _("Time")), slots.map((slot) => timeChip(slot, state.chosen, on)))
    : h("p", { class: "empty" }, _("No times are left on this day. Choose another one."));
  const isOpen = state.open === "time";
  return step("time", _("Time"), state.chosen?.time ?? "", body, { isOpen, onOpen: () => on.open("time"), foldable: Boolean(state.day) });
}

function timeChip(slot, chosen, on) {
  const mine = slot.state === "booked" || slot.state === "waiting";
  const words = slotWords(slot);
  return h("label", { class: `time ${slot.state}` },
    h("input", { type: "radio", name: "time", id: `time-${slot.id}`, value: slot.id, disabled: mine, checked: slot.id === chosen?.id, onclick: () => on.time(slot) }),
    h("b", {}, slot.time),
    words ? h("small", {}, words) : null,
  );
}

function slotWords(slot) {
  if (slot.state === "booked") return _("yours");
  if (slot.state === "waiting") return _("you wait");
  if (slot.state === "offered") return _("held for you");
  if (slot.state === "full") return _("full");
  return slot.seats_left <= FEW ? _n("%(n)s seat left", "%(n)s seats left", slot.seats_left) : "";
}
