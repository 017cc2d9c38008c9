// A code for the counter, of the card or of one coupon: full white, QR and barcode, a ring that runs down to the next one.

import { _, get, h, troubleWords } from "./app.js";

let dialog;
let timer;
let lock;
let path;
let closed;

/** Turns the card to its code. Without a connection there is only the number, and that is said. */
export async function showCode(card, { away = false } = {}) {
  dialog ??= make();
  name("/card/code", _("Show this at the counter"), card.number);
  const face = document.querySelector(".card");
  face?.classList.add("turning");
  await new Promise((resolve) => setTimeout(resolve, matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150));
  dialog.showModal();
  face?.classList.remove("turning");
  keepAwake();
  if (away) say(_("The code needs a connection. At the counter, your number is enough."));
  else next();
}

/** The code of a coupon; `whenClosed` runs when the person puts it away. */
export function showCouponCode(claim, whenClosed) {
  dialog ??= make();
  name(`/claims/${claim.id}/code`, claim.coupon.title, claim.until ? _("Good until %(day)s", { day: claim.until }) : "");
  closed = whenClosed;
  dialog.showModal();
  keepAwake();
  next();
}

function name(from, title, under) {
  path = from;
  closed = null;
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector(".number").textContent = under;
  dialog.querySelector(".spelled").textContent = "";
}

function make() {
  const made = h("dialog", { class: "code", "aria-labelledby": "code-title" },
    h("div", { class: "code-head" },
      h("h2", { id: "code-title" }),
      h("button", { class: "close", type: "button", onclick: () => made.close() }, _("Close")),
    ),
    h("div", { class: "qr-place" }),
    h("div", { class: "until" }, ring(), h("span", {}, "")),
    h("div", { class: "bars-place" }),
    h("p", { class: "spelled" }),
    h("p", { class: "number" }),
  );
  made.addEventListener("close", stop);
  document.body.append(made);
  document.addEventListener("visibilitychange", () => {
    if (made.open && document.visibilityState === "visible") next();
  });
  return made;
}

function ring() {
  const make = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const drawing = make("svg", { viewBox: "0 0 36 36", class: "ring", "aria-hidden": "true" });
  const circle = { cx: 18, cy: 18, r: 15.9155 }; // its way round is 100
  drawing.append(make("circle", circle), make("circle", { ...circle, class: "left" }));
  return drawing;
}

async function next() {
  clearTimeout(timer);
  try {
    const code = await get(path);
    draw(code);
    if (code.expires_in) timer = setTimeout(next, code.expires_in * 1000);
  } catch (error) {
    say(troubleWords(error));
    timer = setTimeout(next, 5000);
  }
}

function draw(code) {
  const picture = (svg, alt, name) => h("img", { class: name, alt, src: `data:image/svg+xml,${encodeURIComponent(svg)}` });
  dialog.querySelector(".qr-place").replaceChildren(picture(code.qr, _("QR code for the counter"), "qr"));
  dialog.querySelector(".bars-place").replaceChildren(...(code.barcode ? [picture(code.barcode, _("Barcode for the counter"), "bars")] : []));
  if (!code.expires_in) {
    say("");
    dialog.querySelector(".spelled").textContent = code.text ?? "";
    return;
  }
  const drawn = dialog.querySelector(".ring");
  drawn.classList.remove("runs");
  drawn.getBoundingClientRect(); // starts the ring anew
  drawn.querySelector(".left").style.animationDuration = `${code.expires_in}s`;
  drawn.classList.add("runs");
  drawn.removeAttribute("hidden");
  dialog.querySelector(".until span").textContent = _("Renews itself");
}

function say(words) {
  dialog.querySelector(".ring").setAttribute("hidden", "");
  dialog.querySelector(".until span").textContent = words;
}

async function keepAwake() {
  lock = await navigator.wakeLock?.request("screen").catch(() => null);
}

function stop() {
  clearTimeout(timer);
  lock?.release();
  lock = null;
  closed?.();
}
