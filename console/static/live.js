// What pages share in the browser. Pages work without it, except where a live count or the camera is the point.

/** The token every POST carries. */
export function token() {
  return document.querySelector("input[name=csrf_token]")?.value ?? document.body.dataset.csrf ?? "";
}

/** Fetches a piece of a page; `null` when it did not come (the page then keeps what it shows). */
export async function piece(url, options = {}) {
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html", "X-Piece": "1" }, ...options });
    return answer.ok ? await answer.text() : null;
  } catch {
    return null;
  }
}

/** POSTs a form's data (or any FormData) and gives the answer back as it is. */
export async function post(url, data) {
  return fetch(url, { method: "POST", body: data, headers: { Accept: "application/json", "X-CSRFToken": token() } });
}

export function debounced(wait, act) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...args), wait);
  };
}

// <form data-live="#target" action="…piece url…">: every change fetches the piece and shows it in the target.
// The newest answer wins, whatever order they come back in.
function liveForm(form) {
  const target = document.querySelector(form.dataset.live);
  let asked = 0;
  const refresh = debounced(250, async () => {
    const turn = ++asked;
    const query = new URLSearchParams(new FormData(form));
    target.setAttribute("aria-busy", "true");
    const html = await piece(`${form.dataset.url ?? form.action}?${query}`);
    if (turn !== asked) return;
    if (html !== null) target.innerHTML = html;
    target.removeAttribute("aria-busy");
  });
  form.addEventListener("input", refresh);
}

// <div data-refresh="url" data-every="3">: fetched again every few seconds while the page is looked at.
function refreshing(element) {
  const seconds = Number(element.dataset.every ?? 5);
  const timer = setInterval(async () => {
    if (document.hidden) return;
    const html = await piece(element.dataset.refresh);
    if (html !== null && !element.contains(document.activeElement)) element.innerHTML = html;
    if (element.querySelector("[data-finished]")) clearInterval(timer);
  }, seconds * 1000);
}

function confirming(event) {
  const words = event.target.dataset?.confirm;
  if (words && !window.confirm(words)) event.preventDefault();
}

// A second tap on the same button must not send the same form again.
function once(event) {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "1";
  setTimeout(() => delete event.target.dataset.sent, 4000);
}

// On a phone the menu scrolls sideways: the page one is on must be in sight.
document
  .querySelectorAll("nav [aria-current=page]")
  .forEach((here) => here.scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" }));
document.querySelectorAll("form[data-live]").forEach(liveForm);
document.querySelectorAll("[data-refresh]").forEach(refreshing);
document.querySelectorAll("select[data-go]").forEach((select) =>
  select.addEventListener("change", () => select.form.requestSubmit()),
);
document.addEventListener("submit", confirming);
document.addEventListener("submit", once);
