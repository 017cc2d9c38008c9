// Questions asked over the whole page: whose phone this is, and one-line answers such as a date or a scanned code.

import { ask, el } from "./api.js";

const picker = document.getElementById("picker");
const asker = document.getElementById("asker");
const STATES = { friend: "friend", blocked: "has blocked the account", stranger: "not yet a friend", deleted: "account deleted" };

export const stateInWords = (state) => STATES[state] ?? state;

export function pickPerson(title = "Whose phone is this?") {
  document.getElementById("picker-title").textContent = title;
  const search = document.getElementById("picker-search");
  const list = document.getElementById("picker-list");
  search.value = "";
  return new Promise((resolve) => {
    const choose = (user) => { resolve(user); picker.close(); };
    const fill = async () => {
      const people = await ask(`users?q=${encodeURIComponent(search.value)}`);
      list.replaceChildren(...people.map((user) => person(user, choose)));
      if (!people.length) list.append(el("li", { class: "quiet" }, "Nobody of that name. Try fewer letters."));
    };
    search.oninput = fill;
    document.getElementById("picker-new").onclick = async () => {
      const name = search.value.trim() || "New friend";
      const [id] = await ask("users", { name, following: false });
      choose(await ask(`users/${id}`));
    };
    picker.onclose = () => resolve(null);
    picker.showModal();
    fill();
  });
}

function person(user, choose) {
  const note = [stateInWords(user.state), user.note ?? user.member_ref].filter(Boolean).join(" · ");
  return el("li", {}, el("button", { type: "button", onclick: () => choose(user) }, el("strong", {}, user.name), el("small", {}, note)));
}

export function askLine(title, label, input = {}) {
  const field = document.getElementById("asker-input");
  document.getElementById("asker-title").textContent = title;
  document.getElementById("asker-label").textContent = label;
  for (const name of ["type", "min", "max", "value"]) field.removeAttribute(name);
  for (const [name, value] of Object.entries(input)) if (value) field.setAttribute(name, value);
  field.value = input.value ?? "";
  return new Promise((resolve) => {
    asker.onclose = () => resolve(asker.returnValue === "ok" && field.value ? field.value : null);
    asker.returnValue = "";
    asker.showModal();
  });
}
