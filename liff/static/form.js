// A questionnaire built from data: one field per question, sent once.

import { Problem, _, attempt, busy, fill, find, get, h, isBusy, post, start, troubleWords } from "./app.js";
import { wrong } from "./fields.js";

const key = location.pathname.split("/").at(-1);

start(async () => {
  const form = await get(`/forms/${encodeURIComponent(key)}`);
  document.title = document.title.replace(/^.* · /, `${form.title} · `);
  if (form.answered) thank(form);
  else show(form);
});

function show(form) {
  const send = h("button", { class: "button wide", type: "submit" }, _("Send my answers"));
  const asked = h("form", { novalidate: true, onsubmit: (event) => submit(event, asked, form, send) },
    form.questions.map(question),
    h("p", { class: "section" }, send),
  );
  fill(find("#form"), h("h1", {}, form.title), form.intro ? h("p", { class: "lead" }, form.intro) : null, asked);
}

function thank(form) {
  const came = form.outcome;
  fill(find("#form"), h("section", { class: "plain" },
    h("h1", { tabindex: "-1" }, came?.is_quiz ? _("%(n)s of %(all)s were right", { n: came.score, all: came.highest }) : _("Thank you")),
    h("p", {}, came?.words || _("Your answers to “%(title)s” are with us.", { title: form.title })),
    came?.path ? h("p", {}, h("a", { class: "button", href: `/liff${came.path}` }, came.button)) : null,
    h("p", {}, h("a", { class: came?.path ? "button second" : "button", href: "/liff/card" }, _("Open my card"))),
  ));
  find("#form h1").focus();
}

function question(asked) {
  const label = [asked.label, asked.required ? null : h("span", { class: "quiet" }, ` ${_("(if you like)")}`)];
  if (asked.kind === "text" || asked.kind === "date") {
    const id = `q-${asked.key}`;
    const input = asked.kind === "text" ? h("textarea", { id, name: asked.key, maxlength: 1000, rows: 3 }) : h("input", { id, name: asked.key, type: "date" });
    return h("div", { class: "field", "data-field": asked.key }, h("label", { for: id }, label), input);
  }
  return h("fieldset", { class: "field", "data-field": asked.key }, h("legend", {}, label), asked.kind === "score" ? scores(asked) : choices(asked));
}

function choices(asked) {
  const type = asked.kind === "choices" ? "checkbox" : "radio";
  return h("div", { class: "choices" }, asked.options.map((option) =>
    h("label", { class: "choice" }, h("input", { type, name: asked.key, value: option.value }), h("span", {}, option.label))));
}

function scores(asked) {
  const steps = Array.from({ length: asked.high - asked.low + 1 }, (unused, n) => asked.low + n);
  return h("div", {},
    h("div", { class: "scores", "data-steps": steps.length }, steps.map((n) => h("label", {}, h("input", { type: "radio", name: asked.key, value: n }), h("span", {}, String(n))))),
    h("div", { class: "ends quiet" }, h("span", {}, _("%(n)s: not at all", { n: asked.low })), h("span", {}, _("%(n)s: very much", { n: asked.high }))),
  );
}

function values(element, form) {
  const given = new FormData(element);
  const value = (asked) => {
    if (asked.kind === "choices") return given.getAll(asked.key);
    if (asked.kind === "score") return given.has(asked.key) ? Number(given.get(asked.key)) : null;
    return (given.get(asked.key) ?? "").trim() || null;
  };
  return Object.fromEntries(form.questions.map((asked) => [asked.key, value(asked)]));
}

async function submit(event, element, form, send) {
  event.preventDefault();
  if (isBusy(send)) return;
  wrong(element, null);
  const answers = values(element, form);
  const left = form.questions.find((asked) => asked.required && (answers[asked.key] === null || answers[asked.key].length === 0));
  if (left) {
    wrong(element, left.key, _("Please answer this question too."));
    return;
  }
  await busy(send, () => attempt(async () => {
    try {
      await post(`/forms/${encodeURIComponent(key)}/answers`, { answers });
    } catch (error) {
      if (error instanceof Problem && wrong(element, error.body.field, troubleWords(error))) return;
      if (error.code !== "already_answered") throw error;
    }
    thank(await get(`/forms/${encodeURIComponent(key)}`).catch(() => form));
  }));
}
