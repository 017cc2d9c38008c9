// Talks to the simulator's control addresses, and hears what has changed.

export async function ask(path, body, method) {
  const options = body === undefined ? { method: method ?? "GET" } : {
    method: method ?? "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  };
  const answer = await fetch(`/_sim/${path}`, options);
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error ?? `The simulator answered ${answer.status}.`);
  return found;
}

const listeners = new Set();

export function onChange(listener) {
  listeners.add(listener);
}

export function listen() {
  const source = new EventSource("/_sim/stream");
  source.onmessage = (event) => {
    const topics = new Set(JSON.parse(event.data));
    for (const listener of listeners) listener(topics);
  };
  source.onopen = () => { for (const listener of listeners) listener(null); };
}

// An element with properties, attributes and children, in one expression.
export function el(tag, settings = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined || value === null) continue;
    if (key === "class") made.className = value;
    else if (key === "style") Object.assign(made.style, value);
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function clock(iso) {
  return new Date(iso).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

export function day(iso) {
  return new Date(iso).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
}
