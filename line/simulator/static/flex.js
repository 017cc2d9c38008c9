// Draws Flex Messages: box, text, span, button, image, icon, separator and carousel, close to what LINE's apps do.

import { el } from "./api.js";

const SPACE = { none: 0, xs: 2, sm: 4, md: 8, lg: 12, xl: 16, xxl: 20 };
const TEXT = { xxs: 11, xs: 13, sm: 14, md: 16, lg: 19, xl: 22, xxl: 29, "3xl": 35, "4xl": 48, "5xl": 74 };
const PICTURE = { xxs: 40, xs: 60, sm: 80, md: 100, lg: 120, xl: 140, xxl: 160, "3xl": 180, "4xl": 200, "5xl": 220 };
const BORDER = { none: 0, light: 0.5, normal: 1, medium: 2, "semi-bold": 3, bold: 4 };
const BUBBLE = { nano: 120, micro: 160, deca: 220, hecto: 241, kilo: 260, mega: 300, giga: 386 };
const PADDING = { nano: 10, micro: 10, deca: 12, hecto: 13, kilo: 13 };

const length = (value, scale) => (value in scale ? `${scale[value]}px` : value);

export function drawFlex(message, act) {
  const contents = message.contents;
  const drawn = contents.type === "carousel"
    ? el("div", { class: "flex-carousel", tabindex: "0", role: "group", "aria-label": message.altText }, ...contents.contents.map((b) => bubble(b, act)))
    : bubble(contents, act);
  if (contents.type !== "carousel") {
    drawn.setAttribute("role", "group");
    drawn.setAttribute("aria-label", message.altText);
  }
  return drawn;
}

function bubble(spec, act) {
  const size = spec.size ?? "mega";
  const drawn = el("div", { class: "flex-bubble", dir: spec.direction, style: { width: `${BUBBLE[size]}px` } });
  for (const name of ["header", "hero", "body", "footer"]) {
    if (!spec[name]) continue;
    const style = spec.styles?.[name] ?? {};
    const inner = component(spec[name], "vertical", act, true);
    const block = el("div", { class: `flex-block flex-${name}` }, inner);
    if (style.backgroundColor) block.style.backgroundColor = style.backgroundColor;
    if (style.separator) block.style.borderTop = `1px solid ${style.separatorColor ?? "#d9dce2"}`;
    // The padding is the box's own, so that its background reaches the bubble's edge.
    const pads = name !== "hero" && !Object.keys(spec[name]).some((key) => key.startsWith("padding"));
    if (pads) inner.style.padding = `${name === "footer" ? 10 : PADDING[size] ?? 20}px`;
    drawn.append(block);
  }
  if (spec.action) pressable(drawn, spec.action, act);
  return drawn;
}

function component(spec, parentLayout, act, first = false, spacing = undefined) {
  const drawn = KINDS[spec.type]?.(spec, act, parentLayout) ?? el("span", { class: "flex-unknown" }, `(${spec.type} is not drawn)`);
  place(drawn, spec, parentLayout, first, spacing);
  if (spec.action && spec.type !== "button") pressable(drawn, spec.action, act);
  return drawn;
}

function place(drawn, spec, parentLayout, first, spacing) {
  const style = drawn.style;
  const across = parentLayout !== "vertical";
  const gap = spec.margin ?? spacing;
  if (!first && gap && spec.position !== "absolute") style[across ? "marginInlineStart" : "marginTop"] = length(gap, SPACE);
  if (spec.flex !== undefined) style.flex = spec.flex === 0 ? "0 0 auto" : `${spec.flex} ${spec.flex} 0`;
  else if (across && !["icon", "separator"].includes(spec.type)) style.flex = "1 1 0";
  else style.flex = "0 0 auto";
  if (spec.gravity) style.alignSelf = { top: "flex-start", center: "center", bottom: "flex-end" }[spec.gravity];
  if (spec.position === "absolute") style.position = "absolute";
  const offsets = { offsetTop: "top", offsetBottom: "bottom", offsetStart: "insetInlineStart", offsetEnd: "insetInlineEnd" };
  for (const [key, side] of Object.entries(offsets)) {
    if (spec[key] === undefined) continue;
    if (spec.position !== "absolute") style.position = "relative";
    style[side] = length(spec[key], SPACE);
  }
}

function box(spec, act) {
  const drawn = el("div", { class: `flex-box flex-${spec.layout}` });
  const style = drawn.style;
  const sides = { paddingAll: "padding", paddingTop: "paddingTop", paddingBottom: "paddingBottom", paddingStart: "paddingInlineStart", paddingEnd: "paddingInlineEnd" };
  for (const [key, side] of Object.entries(sides)) if (spec[key]) style[side] = length(spec[key], SPACE);
  for (const key of ["width", "maxWidth", "height", "maxHeight", "backgroundColor", "justifyContent", "alignItems"]) if (spec[key]) style[key] = spec[key];
  if (spec.borderWidth) style.border = `${length(spec.borderWidth, BORDER)} solid ${spec.borderColor ?? "#d9dce2"}`;
  if (spec.cornerRadius) style.borderRadius = length(spec.cornerRadius, SPACE);
  const shade = spec.background;
  if (shade?.type === "linearGradient") {
    const middle = shade.centerColor ? `, ${shade.centerColor} ${shade.centerPosition ?? "50%"}` : "";
    style.background = `linear-gradient(${shade.angle}, ${shade.startColor}${middle}, ${shade.endColor})`;
  }
  (spec.contents ?? []).forEach((child, index) => drawn.append(component(child, spec.layout, act, index === 0, spec.spacing)));
  return drawn;
}

function dress(style, spec) {
  if (spec.size) style.fontSize = length(spec.size, TEXT);
  if (spec.color) style.color = spec.color;
  if (spec.weight === "bold") style.fontWeight = "700";
  if (spec.style === "italic") style.fontStyle = "italic";
  if (spec.decoration && spec.decoration !== "none") style.textDecoration = spec.decoration;
}

function text(spec) {
  const drawn = el("div", { class: "flex-text" });
  dress(drawn.style, spec);
  if (spec.align) drawn.style.textAlign = spec.align;
  if (spec.lineSpacing) drawn.style.lineHeight = `calc(1.4em + ${spec.lineSpacing})`;
  if (spec.wrap) drawn.classList.add("flex-wraps");
  if (spec.wrap && spec.maxLines) {
    drawn.classList.add("flex-clamped");
    drawn.style.webkitLineClamp = String(spec.maxLines);
  }
  if (!spec.contents) drawn.append(spec.text);
  for (const part of spec.contents ?? []) {
    const span = el("span", {}, part.text);
    dress(span.style, part);
    drawn.append(span);
  }
  return drawn;
}

function button(spec, act) {
  const style = spec.style ?? "link";
  const drawn = el("button", { type: "button", class: `flex-button flex-${style} flex-${spec.height ?? "md"}`, onclick: () => act(spec.action) }, spec.action.label ?? "");
  if (spec.color) drawn.style[style === "link" ? "color" : "backgroundColor"] = spec.color;
  return drawn;
}

function image(spec) {
  const [width, height] = (spec.aspectRatio ?? "1:1").split(":").map(Number);
  const drawn = el("div", { class: "flex-image" });
  const size = spec.size ?? "md";
  const picture = el("img", { src: spec.url, alt: "", loading: "lazy", style: { aspectRatio: `${width} / ${height}`, objectFit: spec.aspectMode === "cover" ? "cover" : "contain" } });
  picture.style.width = size === "full" ? "100%" : length(size, PICTURE);
  if (spec.backgroundColor) picture.style.backgroundColor = spec.backgroundColor;
  drawn.style.justifyContent = { start: "flex-start", end: "flex-end" }[spec.align] ?? "center";
  drawn.append(picture);
  return drawn;
}

function icon(spec) {
  const [width, height] = (spec.aspectRatio ?? "1:1").split(":").map(Number);
  const tall = length(spec.size ?? "md", TEXT);
  return el("img", { class: "flex-icon", src: spec.url, alt: "", style: { height: tall, aspectRatio: `${width} / ${height}` } });
}

const separator = (spec, act, parentLayout) => el("hr", { class: `flex-separator ${parentLayout === "vertical" ? "" : "flex-upright"}`, style: { borderColor: spec.color ?? "#d9dce2" } });
const filler = () => el("div", { style: { flex: "1 1 0" } });
const KINDS = { box, text, button, image, icon, separator, filler };

// Something that is no button reacts to a tap: a button for keyboards too, unless there are buttons inside it.
function pressable(drawn, action, act) {
  drawn.classList.add("flex-pressable");
  drawn.addEventListener("click", (event) => { if (!event.defaultPrevented) { event.preventDefault(); act(action); } });
  if (drawn.querySelector("button, [role=button]")) return;
  drawn.setAttribute("role", "button");
  drawn.setAttribute("tabindex", "0");
  if (action.label) drawn.setAttribute("aria-label", action.label);
  drawn.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(action); } });
}
