// Fields with their label, hint and what is wrong with them, tied together for screen readers.

import { h } from "./dom.js";

/** A labelled field. `input` gets an id and is described by `hint`. */
export function field(name, label, input, hint = "") {
  input.id = `field-${name}`;
  if (hint) input.setAttribute("aria-describedby", `hint-${name}`);
  return h("div", { class: "field", "data-field": name },
    h("label", { for: input.id }, label),
    input,
    hint ? h("p", { class: "hint", id: `hint-${name}` }, hint) : null,
  );
}

/** Says below field `name` what is wrong and goes there; `null` clears all. False when there is no such field. */
export function wrong(form, name, words) {
  for (const old of form.querySelectorAll(".wrong")) old.remove();
  for (const old of form.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
  const place = name && form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  if (!place) return false;
  const id = `wrong-${name}`;
  place.append(h("p", { class: "wrong", id, role: "alert" }, words));
  const inputs = place.querySelectorAll("input, select, textarea");
  for (const input of inputs) input.setAttribute("aria-invalid", "true");
  inputs[0]?.setAttribute("aria-describedby", id);
  inputs[0]?.focus();
  return true;
}
