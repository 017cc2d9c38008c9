// The campaign editor: the phone follows the words, and the dry run is fetched after the page.
import { piece } from "./live.js";

const phone = document.querySelector("[data-phone]");
document.querySelector("form[data-rule-form]")?.addEventListener("rule-shown", (event) => {
  if (phone && event.detail.phone) phone.innerHTML = event.detail.phone;
});

const dry = document.querySelector("[data-load]");
if (dry) {
  dry.setAttribute("aria-busy", "true");
  const html = await piece(dry.dataset.load);
  if (html !== null) dry.innerHTML = html;
  dry.removeAttribute("aria-busy");
  if (location.hash === "#dry") dry.scrollIntoView();
}
