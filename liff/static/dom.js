// Making elements without HTML strings: text stays text, whoever wrote it.

/** An element: `h("p", {class: "quiet"}, "text", child)`. Properties beginning with "on" are listeners. */
export function h(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Everything in `place` replaced by `children`. */
export function fill(place, ...children) {
  place.replaceChildren(...children.flat().filter(Boolean));
  place.removeAttribute("aria-busy");
}

export const find = (selector, within = document) => within.querySelector(selector);

/** A sentence that is read out and stays until the next one; `kind` is "good", "bad" or "quiet". */
export function notice(text, kind = "quiet") {
  const place = document.getElementById("notice");
  place.className = text ? `notice ${kind}` : "";
  place.textContent = text;
  if (text && kind === "bad") place.scrollIntoView({ block: "nearest" });
}

/** While `work` runs, `button` cannot be pressed again. */
export async function busy(button, work) {
  button.setAttribute("aria-disabled", "true");
  button.classList.add("busy");
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-disabled");
    button.classList.remove("busy");
  }
}

export const isBusy = (button) => button.getAttribute("aria-disabled") === "true";
