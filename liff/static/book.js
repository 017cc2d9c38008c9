// Booking a visit: three steps that fold as they are answered, and a button that says what will happen.

import { Problem, _, attempt, busy, find, get, isBusy, notice, patch, post, start, troubleWords } from "./app.js";
import { drawSteps } from "./book_steps.js";
import { drawMine } from "./my_bookings.js";

const ASKED = new URLSearchParams(location.search);
const go = find("#go");

/** What is on the page: the server's fortnight, what the person chose, which step is open, and a booking being moved. */
const state = { fortnight: null, storeChosen: false, day: null, chosen: null, open: "day", moving: null };

start(async () => {
  const [fortnight] = await Promise.all([load(ASKED.get("store"), ASKED.get("date")), loadMine()]);
  state.open = openFirst(fortnight);
  state.storeChosen = state.open !== "store";
  state.day = ASKED.get("date");
  draw();
  go.addEventListener("click", act);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
});

/** The store is asked only of those whose store we cannot guess. */
function openFirst(fortnight) {
  if (ASKED.get("date")) return "time";
  return fortnight.store_is_theirs || fortnight.stores.length < 2 || ASKED.get("store") ? "day" : "store";
}

async function load(store, date) {
  const query = new URLSearchParams();
  if (store) query.set("store", store);
  if (date) query.set("date", date);
  state.fortnight = await get(`/slots?${query}`);
  state.chosen = state.fortnight.slots.find((slot) => slot.id === state.chosen?.id) ?? null;
  return state.fortnight;
}

async function loadMine() {
  drawMine(await get("/bookings"), { move, done: refresh });
}

async function refresh() {
  await attempt(async () => {
    await Promise.all([load(state.fortnight.store, state.fortnight.date), loadMine()]);
    draw();
  });
}

function draw() {
  drawSteps(state, { open, store: chooseStore, day: chooseDay, time: chooseTime, keep: () => move(null) });
  const words = whatWillHappen();
  go.textContent = words ?? (state.open === "time" ? _("Choose a time") : state.open === "day" ? _("Choose a day") : _("Choose a store"));
  go.disabled = !words;
}

/** The words of the button; null while there is nothing to do. */
function whatWillHappen() {
  const slot = state.chosen;
  if (!slot || slot.state === "booked" || slot.state === "waiting") return null;
  const time = { time: slot.time };
  if (slot.state === "full") return state.moving ? null : _("Join the waitlist for %(time)s", time);
  return state.moving ? _("Move to %(time)s", time) : _("Book %(time)s", time);
}

function open(step) {
  state.open = step;
  draw();
}

async function chooseStore(key) {
  state.chosen = state.day = null;
  if (!(await attempt(() => load(key, null)))) return;
  state.storeChosen = true;
  open("day");
}

async function chooseDay(date) {
  state.chosen = null;
  if (!(await attempt(() => load(state.fortnight.store, date)))) return;
  state.day = date;
  open("time");
}

function chooseTime(slot) {
  state.chosen = slot;
  draw();
}

function move(booking) {
  state.moving = booking;
  state.chosen = state.day = null;
  open("day");
  if (booking) find("#steps").scrollIntoView({ block: "start" });
}

async function act() {
  if (isBusy(go) || !state.chosen) return;
  notice("");
  await busy(go, async () => {
    try {
      notice(await (state.chosen.state === "full" ? wait(state.chosen) : take(state.chosen)), "good");
      state.moving = state.chosen = state.day = null;
      state.open = "day";
      scrollTo({ top: 0 });
    } catch (error) {
      notice(troubleWords(error), "bad");
      if (!(error instanceof Problem)) return;
    }
    await Promise.all([load(state.fortnight.store, state.fortnight.date), loadMine()]).catch(() => {});
  });
  draw();
}

async function take(slot) {
  const made = state.moving
    ? await patch(`/bookings/${state.moving.id}`, { slot_id: slot.id })
    : await post("/bookings", { slot_id: slot.id });
  const values = { when: made.when.words, store: made.store.name };
  return state.moving
    ? _("Moved to %(when)s, %(store)s.", values)
    : _("Booked: %(when)s, %(store)s. See you there.", values);
}

async function wait(slot) {
  const entry = await post("/waitlist", { slot_id: slot.id });
  return _("You are number %(place)s in line for %(time)s. We tell you in the chat when a seat is held for you.", { place: entry.place, time: entry.when.time });
}
