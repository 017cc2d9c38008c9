// LINE's LIFF SDK: loaded beside the page, waited for here. The only module that touches `liff`.

import { settings } from "./settings.js";

const PATIENCE = 12000;
const CURED = "regulars.cured";
const CURE_ONCE_IN = 5 * 60 * 1000;

export class LineUnreachable extends Error {}

let initialised;
let token = null;
let sub = null;

function loaded() {
  if (window.liff?.init) return Promise.resolve(window.liff);
  const script = document.getElementById("line-sdk");
  return new Promise((resolve, reject) => {
    const failed = () => reject(new LineUnreachable("LINE's script did not load"));
    script.addEventListener("load", () => (window.liff ? resolve(window.liff) : failed()));
    script.addEventListener("error", failed);
    setTimeout(failed, PATIENCE);
  });
}

/** `liff`, initialised. On the first of LINE's two redirects this never resolves: the SDK leaves the page. */
export function line() {
  initialised ??= loaded().then(async (liff) => {
    await liff.init({ liffId: settings.liffId });
    // Read now: a phone beside this one, in the same browser, may put its own person's into the same place.
    if (liff.isLoggedIn()) [token, sub] = [liff.getIDToken(), liff.getDecodedIDToken()?.sub ?? null];
    return liff;
  });
  return initialised;
}

/** The signed-in person's ID token; outside LINE whoever is not signed in is sent to sign in. */
export async function idToken() {
  const liff = await line();
  if (token === null) {
    liff.login({ redirectUri: location.href });
    await new Promise(() => {}); // the page is leaving
  }
  return token;
}

/** What LINE calls this person, unverified: only to tell two people of one browser apart. */
export async function subject() {
  await line();
  return sub;
}

export async function appLanguage() {
  const liff = await line();
  const said = (liff.getAppLanguage ?? liff.getLanguage)?.() ?? navigator.language;
  if (/^zh/i.test(said)) return "zh-Hant";
  return ["ja", "th", "en"].find((each) => said.toLowerCase().startsWith(each)) ?? null;
}

/** Nothing renews an expired ID token but signing in again: done once, never in a loop. False when it was tried just now. */
export async function cure() {
  const last = Number(sessionStorage.getItem(CURED) ?? 0);
  if (Date.now() - last < CURE_ONCE_IN) return false;
  sessionStorage.setItem(CURED, String(Date.now()));
  const liff = await line();
  liff.logout();
  if (liff.isInClient()) location.replace(settings.liffUrl + location.pathname.replace(/^\/liff/, "") + location.search);
  else liff.login({ redirectUri: location.href });
  return new Promise(() => {});
}

export const cured = () => sessionStorage.removeItem(CURED);

/** Opens an address beside the mini-app, or in its place. */
export async function open(url, { external = false } = {}) {
  const liff = await line().catch(() => null);
  if (liff?.isInClient()) liff.openWindow({ url, external });
  else window.open(url, "_blank", "noopener");
}

/** Offers a text to the person's friends: LINE's own picker inside LINE, its sharing page elsewhere. */
export async function share(text) {
  const liff = await line().catch(() => null);
  if (liff?.isApiAvailable?.("shareTargetPicker")) return liff.shareTargetPicker([{ type: "text", text }]).catch(() => null);
  return open(`https://line.me/R/share?text=${encodeURIComponent(text)}`, { external: true });
}
