// A link of a send to many: who tapped is known from LINE, then they are passed on.

import { _, fill, find, h, post, signIn, troubleWords } from "./app.js";

const token = location.pathname.split("/").at(-1);

async function follow() {
  await signIn();
  const target = await post(`/links/${encodeURIComponent(token)}`);
  location.replace(target.url);
}

follow().catch((error) => {
  console.error(error);
  fill(find("#link"),
    h("h1", {}, _("This link did not open")),
    h("p", {}, troubleWords(error)),
    h("p", {}, h("a", { class: "button", href: "/liff/card" }, _("Open my card"))),
  );
});
