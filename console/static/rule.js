// The rule builder: every change says itself in words and shows who it is; adding and removing swap the builder.
import { debounced, post, token } from "./live.js";

function wire(form) {
  const builder = form.querySelector("[data-builder]");
  const preview = form.querySelector("[data-preview]");
  let asked = 0;

  const refresh = debounced(300, async () => {
    const turn = ++asked;
    preview?.setAttribute("aria-busy", "true");
    let found = null;
    try {
      const answer = await post(form.dataset.piece, new FormData(form));
      if (answer.ok) found = await answer.json();
    } catch {
      found = null; // the page keeps what it shows
    }
    if (turn !== asked) return;
    preview?.removeAttribute("aria-busy");
    if (found) show(found);
  });

  function show(found) {
    if (preview) preview.innerHTML = found.html;
    for (const [path, words] of Object.entries(found.words ?? {})) {
      const said = builder.querySelector(`details[data-path="${path}"] [data-words]`);
      if (said && words) said.textContent = words;
    }
    form.dispatchEvent(new CustomEvent("rule-shown", { detail: found }));
  }

  async function restructure(act, focus) {
    const data = new FormData(form);
    data.set("do", act);
    const answer = await fetch(form.dataset.edit, {
      method: "POST",
      body: data,
      headers: { "X-Piece": "1", "X-CSRFToken": token() },
    });
    if (!answer.ok) return;
    const open = [...builder.querySelectorAll("details[open]")].map((each) => each.dataset.path);
    builder.innerHTML = await answer.text();
    for (const path of open) builder.querySelector(`details[data-path="${path}"]`)?.setAttribute("open", "");
    focus?.();
    refresh();
  }

  form.addEventListener("input", (event) => {
    if (event.target.matches("[data-restructure]")) return;
    refresh();
  });
  form.addEventListener("change", (event) => {
    if (!event.target.matches("[data-restructure]")) return;
    const id = event.target.id;
    restructure("none", () => document.getElementById(id)?.focus());
  });
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.name !== "do") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const [verb, path] = button.value.split(" ");
    restructure(button.value, () => focusAfter(verb, path));
  }, { capture: true });

  function focusAfter(verb, path) {
    const group = builder.querySelector(`.group[data-path="${path}"]`);
    const last = verb === "remove" ? null : [...(group?.querySelectorAll(":scope > .parts > li") ?? [])].pop();
    last?.querySelector("details")?.setAttribute("open", "");
    (last?.querySelector("select, input") ?? builder.querySelector(".group-foot button"))?.focus();
  }
}

document.querySelectorAll("form[data-rule-form]").forEach(wire);
