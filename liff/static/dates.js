// A date long ago, in three lists, in the order and calendar the language uses.

import { h } from "./dom.js";
import { settings } from "./settings.js";
import { _ } from "./words.js";

const OLDEST = 110;
const YEAR_FIRST = ["zh-Hant", "ja"];
const BUDDHIST = 543;

/** `element` to place, and `value()`: "YYYY-MM-DD", "" when nothing is chosen, null when only part is. */
export function dateParts(name, { optional = false } = {}) {
  const year = list(`${name}-year`, _("Year"), years());
  const month = list(`${name}-month`, _("Month"), months());
  const day = list(`${name}-day`, _("Day"), Array.from({ length: 31 }, (unused, n) => [n + 1, String(n + 1)]));
  const parts = YEAR_FIRST.includes(settings.language) ? [year, month, day] : [day, month, year];
  const element = h("fieldset", { class: "field", "data-field": name },
    h("legend", {}, optional ? _("Birthday (if you like)") : _("Birthday")),
    h("div", { class: "date-parts", "data-order": YEAR_FIRST.includes(settings.language) ? "year" : "day" }, parts),
    h("p", { class: "hint" }, _("It can be given once, and changed in the store.")),
  );
  return { element, value: () => joined(year.value, month.value, day.value) };
}

function joined(year, month, day) {
  if (!year && !month && !day) return "";
  if (!year || !month || !day) return null;
  return `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
}

function list(id, label, options) {
  return h("select", { id, "aria-label": label }, h("option", { value: "" }, label), options.map(([value, text]) => h("option", { value }, text)));
}

function years() {
  const newest = new Date().getFullYear();
  const words = (year) => (settings.language === "th" ? `${year + BUDDHIST} (${year})` : String(year));
  return Array.from({ length: OLDEST }, (unused, n) => [newest - n, words(newest - n)]);
}

function months() {
  const name = new Intl.DateTimeFormat(settings.language, { month: "short", timeZone: "UTC" });
  return Array.from({ length: 12 }, (unused, n) => [n + 1, name.format(new Date(Date.UTC(2000, n, 1)))]);
}
