// My data: what is kept, my language, my decision about offers, a copy, and being forgotten.

import { _, attempt, busy, fill, find, get, h, isBusy, notice, patch, post, settings, start } from "./app.js";

// Each in its own words, so that everyone finds theirs.
const LANGUAGES = [["zh-Hant", "繁體中文"], ["ja", "日本語"], ["th", "ไทย"], ["en", "English"]];

start(async () => show(await get("/me")));

function show(me) {
  fill(
    find("#me"),
    me.registered ? details(me) : h("p", { class: "section" }, h("a", { class: "button wide", href: "/liff/join" }, _("Make my card"))),
    languages(),
    offers(me),
    copyAndErase(),
    h("ul", { class: "rows section links" }, ...[["/liff/tier", _("Tier and points")], ...(settings.invoices && me.registered ? [["/liff/invoices", _("My invoices")]] : []), ["/liff/news", _("News")], ["/liff/contact", _("Contact")], ["/liff/privacy", _("Privacy")]]
      .map(([href, words]) => h("li", {}, h("a", { href }, words)))),
  );
}

function details(me) {
  const birthday = me.birth_date ? new Intl.DateTimeFormat(settings.language, { dateStyle: "long", timeZone: "UTC" }).format(new Date(me.birth_date)) : null;
  const rows = [[_("Name"), me.name], [_("Phone"), me.phone], [_("E-mail"), me.email], [_("Birthday"), birthday]];
  return h("section", { class: "section" },
    h("ul", { class: "rows" }, rows.filter(([, value]) => value).map(([label, value]) =>
      h("li", {}, h("span", { class: "quiet" }, label), h("span", { class: "value" }, value)))),
    h("p", { class: "quiet hint" }, _("Something wrong? The store can correct it.")),
  );
}

function languages() {
  const list = h("select", { id: "language", onchange: () => choose(list.value) },
    LANGUAGES.map(([value, words]) => h("option", { value, lang: value, selected: value === settings.language }, words)));
  return h("div", { class: "field" }, h("label", { for: "language" }, _("Language")), list);
}

async function choose(language) {
  if (await attempt(() => patch("/me", { language }))) location.replace(location.pathname);
}

function offers(me) {
  const tick = h("input", { type: "checkbox", checked: me.marketing_consent === true, onchange: () => decide(tick) });
  return h("section", { class: "section" }, h("h2", {}, _("Offers and news")),
    h("div", { class: "panel" }, h("label", { class: "tick" }, tick, h("span", {}, me.consent_wording))));
}

async function decide(tick) {
  const agreed = tick.checked;
  const done = await attempt(() => patch("/me", { marketing_consent: agreed }));
  if (!done) tick.checked = !agreed;
  else notice(agreed ? _("Thank you. We will write when there is something for you.") : _("Done. You will get no more offers from us."), "good");
}

function copyAndErase() {
  const copy = h("button", { class: "button second wide", type: "button", onclick: () => showCopy(copy, place) }, _("Show a copy of my data"));
  const erase = h("button", { class: "button danger wide", type: "button", onclick: () => askBeforeErasing() }, _("Erase my data"));
  const place = h("div", { hidden: true });
  return h("section", { class: "section stack" }, h("h2", {}, _("Yours to take or to end")), copy, place, erase);
}

async function showCopy(button, place) {
  if (isBusy(button)) return;
  const answer = await busy(button, () => attempt(() => get("/me/copy")));
  if (!answer) return;
  const text = JSON.stringify(answer.copy_of_data, null, 2);
  const area = h("textarea", { readonly: true, rows: 12, "aria-label": _("A copy of my data") }, text);
  const taking = h("button", { class: "button wide", type: "button", onclick: () => takeCopy(area) }, _("Copy all of it"));
  fill(place, h("div", { class: "field" }, area), taking);
  place.hidden = false;
}

async function takeCopy(area) {
  area.select();
  await navigator.clipboard?.writeText(area.value).catch(() => document.execCommand("copy"));
  notice(_("Copied. Paste it wherever you keep such things."), "good");
}

function askBeforeErasing() {
  const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-title" },
    h("h2", { id: "ask-title" }, _("Erase your data?")),
    h("p", {}, _("Your card, coupons, points and bookings end at once and cannot be brought back. What you bought stays in our books without your name.")),
    h("button", { class: "button danger wide", type: "button", onclick: (event) => erase(event.target, dialog) }, _("Erase my data")),
    h("button", { class: "button second wide", type: "button", onclick: () => dialog.close(), autofocus: true }, _("Keep my card")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

async function erase(button, dialog) {
  if (isBusy(button)) return;
  const done = await busy(button, () => attempt(async () => {
    await post("/me/erasure", { sure: true });
    return true;
  }));
  dialog.close();
  if (!done) return;
  localStorage.clear();
  sessionStorage.clear();
  find(".tabs")?.remove();
  fill(find("#main"), h("section", { class: "plain" }, h("h1", {}, _("Your data is erased")), h("p", {}, _("Thank you for the time with us. You can close this page."))));
}
