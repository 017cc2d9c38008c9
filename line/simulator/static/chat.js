// Draws the lines of a chat: the account's left, the person's own right, time small.

import { clock, day, el } from "./api.js";
import { drawFlex } from "./flex.js";

const ADDRESS = /(https?:\/\/[^\s<>"'）)」]+)/g;

export function drawChat(lines, act) {
  const drawn = [];
  let lastDay = "";
  for (const line of lines) {
    const today = day(line.at);
    if (today !== lastDay) drawn.push(el("p", { class: "day" }, today));
    lastDay = today;
    drawn.push(drawLine(line, act));
  }
  return drawn;
}

function drawLine(line, act) {
  const body = MESSAGES[line.message.type]?.(line.message, act)
    ?? el("div", { class: "bubble odd" }, `(${line.message.type} is not drawn)`);
  const side = line.by === "user" ? "own" : "theirs";
  const from = line.by === "friend" ? el("small", { class: "from" }, line.via) : null;
  const time = el("time", { datetime: line.at }, clock(line.at));
  return el("div", { class: `line ${side} ${line.message.type}` }, from, body, time);
}

function text(message, act) {
  const bubble = el("div", { class: "bubble" });
  for (const [index, part] of message.text.split(ADDRESS).entries()) {
    bubble.append(index % 2 ? link(part, act) : part);
  }
  return bubble;
}

function link(address, act) {
  return el("a", { href: address, onclick: (event) => { event.preventDefault(); act({ type: "uri", uri: address }); } }, address);
}

function buttons(actions, act) {
  return el("div", { class: "choices" }, ...actions.map((action) => el("button", { type: "button", onclick: () => act(action) }, action.label)));
}

function card(column, act) {
  const picture = column.thumbnailImageUrl ?? column.imageUrl;
  return el("div", { class: "card" },
    picture ? el("img", { src: picture, alt: "" }) : null,
    column.title ? el("strong", {}, column.title) : null,
    column.text ? el("p", {}, column.text) : null,
    buttons(column.actions ?? (column.action ? [column.action] : []), act));
}

function template(message, act) {
  const spec = message.template;
  const cards = (spec.columns ?? [spec]).map((column) => card(column, act));
  return cards.length === 1 ? cards[0] : el("div", { class: "flex-carousel", tabindex: "0", role: "group", "aria-label": message.altText }, ...cards);
}

const MESSAGES = {
  text,
  textV2: text,
  template,
  flex: drawFlex,
  sticker: () => el("div", { class: "bubble odd" }, "☺ sticker"),
  image: (message) => el("img", { class: "picture", src: message.previewImageUrl ?? message.originalContentUrl, alt: "Picture" }),
  location: (message) => el("div", { class: "bubble" }, el("strong", {}, message.title ?? "Place"), el("br"), message.address ?? ""),
};
