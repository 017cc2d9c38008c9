// The panel: time, faults, text messages, and what the app did.

import { ask, clock, el, onChange } from "./api.js";

const by = (id) => document.getElementById(id);
const CALLS = ["*", "push", "multicast", "reply", "validate", "profile", "loading", "login_verify", "login_certs"];

export function startPanel() {
  for (const button of by("jumps").children) button.addEventListener("click", () => jump(Number(button.dataset.seconds)));
  by("fault-form").addEventListener("submit", turnOn);
  by("no-faults").addEventListener("click", async () => { await ask("faults", undefined, "DELETE"); showState(); });
  by("fault-kind").addEventListener("change", offerPlaces);
  onChange((topics) => {
    if (topics === null || ["state", "clock", "sms"].some((topic) => topics.has(topic))) showState();
    if (topics === null || topics.has("requests")) showRequests();
  });
  setInterval(() => { if (!document.hidden) tick(); }, 1000);
}

let offset = 0;

function tick() {
  by("now").textContent = new Date(Date.now() + offset * 1000).toLocaleString("en-GB", { dateStyle: "full", timeStyle: "short" });
}

async function jump(seconds) {
  by("working").textContent = "Asking the app…";
  try {
    await ask("time", { seconds });
  } catch (error) {
    by("working").textContent = `Time stays where it is: ${error.message}`;
  }
}

async function showState() {
  const state = await ask("state");
  offset = state.offset_seconds;
  tick();
  showProgress(state.time);
  showFaults(state);
  const { limit, used } = state.quota;
  showFacts({
    People: `${state.people}, ${state.friends} of them friends`,
    "Reached this month": limit === null ? `${used}, no limit` : `${used} of ${limit}`,
    "Mini-app": state.channel.liff_id,
    App: state.channel.app,
  });
  by("texts-section").hidden = !state.texts.length;
  by("texts").replaceChildren(...state.texts.toReversed().map((text) => el("li", {}, el("small", {}, `to ${text.to}, ${clock(text.at)}`), el("span", {}, text.text))));
}

function showProgress(time) {
  const working = Boolean(time.working);
  by("progress").hidden = !working;
  by("progress").value = time.progress ?? 0;
  for (const button of by("jumps").children) button.disabled = working;
  if (working) by("working").textContent = `Working: ${time.working}`;
  else if (time.offset_seconds === undefined) by("working").textContent = "The app is not answering, so time cannot be moved.";
  else by("working").textContent = offset ? `${Math.round((offset / 86400) * 10) / 10} days ahead of this machine.` : "Same as this machine.";
}

function showFacts(facts) {
  by("account").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

let known = null;

function showFaults(state) {
  if (!known) {
    known = state.known_faults;
    const group = (label, kinds, place) => el("optgroup", { label }, ...Object.entries(kinds).map(([kind, words]) => el("option", { value: `${place}:${kind}` }, words)));
    by("fault-kind").append(
      group("When the app calls LINE", known.calls, "call"), group("When LINE calls the app", known.webhook, "webhook"), group("Everything", known.other, "other"),
    );
    offerPlaces();
  }
  by("faults").replaceChildren(...state.faults.map((fault) => el("li", {}, `${fault.kind} · ${fault.endpoint} · ${inWords(fault)} · struck ${fault.hit} times`)));
  by("no-faults").hidden = !state.faults.length;
}

const inWords = (fault) => (fault.times === 0 ? "over" : fault.times ? `${fault.times} more` : `${fault.rate * 100} %`);

function offerPlaces() {
  const place = by("fault-kind").value.split(":")[0];
  const names = place === "call" ? CALLS : [place === "webhook" ? "webhook" : "*"];
  by("fault-endpoint").replaceChildren(...names.map((name) => el("option", { value: name }, name === "*" ? "any call" : name)));
}

async function turnOn(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  const rate = form.get("rate");
  const often = rate === "once" ? { times: 1 } : { rate: Number(rate) };
  await ask("faults", { kind: form.get("kind").split(":")[1], endpoint: form.get("endpoint"), seconds: Number(form.get("seconds")), ...often });
  showState();
}

async function showRequests() {
  const [requests, violations, webhooks] = await Promise.all([ask("requests?limit=40"), ask("violations"), ask("webhooks")]);
  by("violations").replaceChildren(...violations.slice(-8).reverse().map((item) => el("li", {}, el("strong", {}, item.endpoint), ` ${item.text}`)));
  const rows = [
    ...requests.map((item) => ({ at: item.at, call: item.endpoint, to: recipients(item.to), status: item.status, note: item.fault || item.message })),
    ...webhooks.slice(-40).map((item) => ({ at: item.at, call: `webhook: ${item.events.join(", ") || "empty"}`, to: "app", status: item.status, note: item.error })),
  ].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, 40);
  by("requests").replaceChildren(...rows.map((row) => el("tr", { class: row.status >= 200 && row.status < 300 ? "" : "bad" },
    el("td", {}, clock(row.at)), el("td", {}, row.call), el("td", {}, row.to), el("td", {}, [row.status ?? "none", row.note].filter(Boolean).join(" · ")))));
}

const recipients = (to) => (to.length > 1 ? `${to.length} people` : to.length ? `${to[0].slice(0, 6)}…` : "");
