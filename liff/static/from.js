// Somebody scanned a code of ours: noted, then welcomed to the one next step.

import { _, fill, find, h, post, start } from "./app.js";

const key = location.pathname.split("/").at(-1);

start(async () => show(await post(`/sources/${encodeURIComponent(key)}`)));

function show(arrived) {
  const first = arrived.welcome || (arrived.takes_part ? _("You are on the list.") : _("Good to see you."));
  const next = arrived.registered
    ? h("a", { class: "button wide", href: "/liff/card" }, _("Open my card"))
    : h("a", { class: "button wide", href: "/liff/join" }, _("Make my card"));
  const add = arrived.add_friend ? h("p", {}, h("a", { class: "button second wide", href: arrived.add_friend }, _("Add us on LINE"))) : null;
  fill(find("#from"), h("h1", {}, _("Welcome")), h("p", {}, first), h("p", {}, next), add);
}
