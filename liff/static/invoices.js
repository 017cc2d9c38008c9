// E-invoices: one field to register one, and what became of those registered before.

import { Problem, _, attempt, busy, fill, find, get, h, isBusy, notice, post, start, troubleWords } from "./app.js";
import { field, wrong } from "./fields.js";

const NUMBER = /^[A-Za-z]{2}[\s-]?\d{8}$/;

start(async () => show(await get("/invoices")));

function show(answer) {
  const send = h("button", { class: "button wide", type: "submit" }, _("Register this invoice"));
  const input = h("input", { name: "number", required: true, maxlength: 16, autocapitalize: "characters", autocomplete: "off", spellcheck: "false" });
  const form = h("form", { novalidate: true, onsubmit: (event) => submit(event, form, input, send) },
    field("number", _("Invoice number"), input, _("Two letters and eight digits, such as AB-12345678.")),
    h("p", { class: "section" }, send),
  );
  fill(find("#invoices"), form, list(answer.invoices));
}

function list(invoices) {
  if (!invoices.length) return h("p", { class: "quiet section" }, _("None registered yet. What you register stands here."));
  return h("section", { class: "section" }, h("h2", {}, _("Registered")),
    h("ul", { class: "rows" }, invoices.map((each) => h("li", {},
      h("span", {}, each.number, h("span", { class: "quiet" }, ` · ${each.registered_on}`)),
      h("span", { class: each.amount ? "value" : "value quiet" }, each.amount ?? _("waiting for the shop's file"))))));
}

async function submit(event, form, input, send) {
  event.preventDefault();
  if (isBusy(send)) return;
  notice("");
  wrong(form, null);
  const number = input.value.normalize("NFKC").trim();
  if (!NUMBER.test(number)) {
    wrong(form, "number", _("Please write the two letters and eight digits at the top of the invoice."));
    return;
  }
  await busy(send, () => attempt(async () => {
    try {
      show(await post("/invoices", { number }));
      notice(_("Registered. It counts for you once the shop's file has it."), "good");
    } catch (error) {
      if (!(error instanceof Problem) || !wrong(form, error.body.field, troubleWords(error))) throw error;
    }
  }));
}
