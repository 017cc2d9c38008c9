// Starts a page: signs in, runs it, and answers whatever goes wrong in words. Screens call `start(async () => …)`.

import { Offline, Problem, get, patch, personMark, post, remove, signIn } from "./api.js";
import { h, fill, find, notice } from "./dom.js";
import { LineUnreachable } from "./line.js";
import { settings, address } from "./settings.js";
import { _ } from "./words.js";

export { _, _n } from "./words.js";
export { busy, fill, find, h, isBusy, notice } from "./dom.js";
export { Offline, Problem, address, get, patch, personMark, post, remove, settings, signIn };

/** Runs a page. `whenAway` shows what is kept when nothing can be reached; it answers whether it had something. */
export async function start(run, { whenAway = () => false } = {}) {
  try {
    await signIn();
    await run();
    noteOpening();
  } catch (error) {
    if (error instanceof Problem && error.code === "not_registered") {
      location.replace(`/liff/join?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    const away = error instanceof Offline || error instanceof LineUnreachable || error.status >= 500;
    if (away && whenAway()) return;
    showTrouble(error);
  }
}

/** Notes that this person opened this page; nobody waits for it. */
export function noteOpening() {
  post("/openings", { page: settings.page }).catch(() => {});
}

/** What went wrong, in words, in the page's place. */
export function showTrouble(error) {
  console.error(error);
  fill(
    find("#main"),
    h("div", { id: "notice", role: "status", "aria-live": "polite" }),
    h("section", { class: "plain" },
      h("h1", {}, _("This page did not open")),
      h("p", {}, troubleWords(error)),
      h("p", {}, h("button", { class: "button", onclick: () => location.reload() }, _("Try again"))),
    ),
  );
  find(".foot")?.remove();
}

/** A sentence for the person: the server's own words when it answered. */
export function troubleWords(error) {
  if (error instanceof Problem) return error.message;
  if (error instanceof Offline) return _("There is no connection, so nothing was done. Please try again when you are online.");
  if (error instanceof LineUnreachable) return _("LINE could not be reached, so we do not know who you are. Please close this page and open it again.");
  return _("Something went wrong here, so this may not be done. Please try again in a moment.");
}

/** Does `work`; what goes wrong is said above the page, which stays as it is. Answers undefined then. */
export async function attempt(work) {
  notice("");
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem)) console.error(error);
    notice(troubleWords(error), "bad");
    return undefined;
  }
}

/** A moment as the person's clock shows it. */
export const clock = (date) => new Intl.DateTimeFormat(settings.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(date);
