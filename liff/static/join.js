// Joining: a name, one way to be reached, perhaps a birthday, and a free decision about marketing.

import { Problem, _, attempt, busy, fill, find, get, h, isBusy, notice, post, start, troubleWords } from "./app.js";
import { dateParts } from "./dates.js";
import { field, wrong } from "./fields.js";

const AFTER = new URLSearchParams(location.search).get("next");

const BY = new URLSearchParams(location.search).get("by");

start(async () => {
  if (BY) await post("/referral/clicks", { by: BY }).catch(() => {}); // joining does not depend on it
  const invitation = await get("/registration");
  if (invitation.registered) return leave();
  show(invitation);
});

function leave() {
  location.replace(AFTER?.startsWith("/liff/") ? AFTER : "/liff/card");
}

function show(invitation) {
  const birthday = dateParts("birth", { optional: true });
  const send = h("button", { class: "button wide", type: "submit" }, _("Make my card"));
  const form = h("form", { novalidate: true, onsubmit: (event) => submit(event, form, birthday, send) },
    field("name", _("Name"), h("input", { name: "name", autocomplete: "name", maxlength: 100, required: true, value: invitation.name })),
    field("phone", _("Phone"), h("input", { name: "phone", type: "tel", autocomplete: "tel", maxlength: 40 }), _("Or an e-mail address below: one of the two is enough.")),
    field("email", _("E-mail"), h("input", { name: "email", type: "email", autocomplete: "email", maxlength: 255 })),
    birthday.element,
    h("div", { class: "field" },
      h("label", { class: "tick" },
        h("input", { type: "checkbox", name: "consent" }),
        h("span", {}, invitation.consent_wording),
      ),
      h("p", { class: "hint" }, _("The card works without it."), " ", h("a", { href: "/liff/privacy" }, _("What we keep, and why"))),
    ),
    h("p", { class: "section" }, send),
  );
  fill(find("#join"), form);
}

async function submit(event, form, birthday, send) {
  event.preventDefault();
  if (isBusy(send)) return;
  const values = Object.fromEntries(new FormData(form));
  if (missing(form, values, birthday)) return;
  const body = {
    name: values.name, phone: values.phone.trim() || null, email: values.email.trim() || null,
    birth_date: birthday.value() || null, consent: values.consent === "on",
  };
  await busy(send, () => attempt(async () => {
    try {
      await post("/registration", body);
      leave();
    } catch (error) {
      if (!(error instanceof Problem) || !wrong(form, error.body.field, troubleWords(error))) throw error;
    }
  }));
}

/** Says at once what is missing; the server looks at everything again. */
function missing(form, values, birthday) {
  notice("");
  wrong(form, null);
  if (!values.name.trim()) return wrong(form, "name", _("Please write what we may call you."));
  if (!values.phone.trim() && !values.email.trim()) return wrong(form, "phone", _("Please give a phone number or an e-mail address."));
  if (birthday.value() === null) return wrong(form, "birth", _("Please choose year, month and day, or none of them."));
  return false;
}
