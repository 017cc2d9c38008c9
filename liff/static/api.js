// Asks our own API, in the session of whoever opened this page. A session that ended is renewed once, unseen.

import { appLanguage, cure, cured, idToken, subject } from "./line.js";

/** A refusal: `code` is stable, `message` is words for the person, `body` has the rest. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail);
    this.status = status;
    this.code = body.code;
    this.body = body;
  }
}

/** No answer at all: no network, or the server is away. */
export class Offline extends Error {}

const HEADER = "Regulars-Person";
const HERE = `regulars.person:${window.name}`; // phones side by side in one browser have frames of different names
const KNOWN = "regulars.people"; // LINE's name for people → our mark of them
const PATIENCE = 15000;
const RELOAD_AGAIN_AFTER = 10000;

let person = cameFromOurselves() ? sessionStorage.getItem(HERE) : null;

function cameFromOurselves() {
  return document.referrer.startsWith(`${location.origin}/liff/`) && !location.search.includes("liff.");
}

async function ask(method, path, body, headers) {
  const options = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
  if (method !== "GET") {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body ?? {});
  }
  options.signal = AbortSignal.timeout?.(PATIENCE);
  try {
    return await fetch(`/liff/api${path}`, options);
  } catch (error) {
    throw new Offline(error.message);
  }
}

async function read(answer) {
  if (answer.status === 204) return null;
  const body = await answer.json().catch(() => ({ code: "failed", detail: answer.statusText }));
  if (answer.ok) return body;
  throw new Problem(answer.status, body);
}

async function openSession() {
  const token = { id_token: await idToken(), language: await appLanguage() };
  const answer = await ask("POST", "/session", token, {});
  if (answer.status === 401 && (await cure()) === false) await read(answer);
  await read(answer);
  cured();
  remember(answer.headers.get(HEADER), await subject());
  const language = answer.headers.get("Content-Language");
  if (language && language !== document.documentElement.lang) reloadOnce(language);
}

function remember(mark, sub) {
  person = mark;
  sessionStorage.setItem(HERE, mark);
  if (sub) localStorage.setItem(KNOWN, JSON.stringify({ [sub]: mark }));
}

/** The shell was drawn in another's language: drawn again, but never in a loop. */
function reloadOnce(language) {
  const key = `regulars.language:${window.name}`;
  const [last, at] = (sessionStorage.getItem(key) ?? " 0").split(" ");
  if (last === language && Date.now() - Number(at) < RELOAD_AGAIN_AFTER) return;
  sessionStorage.setItem(key, `${language} ${Date.now()}`);
  location.reload();
}

/** Settles who has opened the page. Everything else here waits for it. */
export async function signIn() {
  if (person && !location.search.includes("liff.")) return;
  const sub = await subject();
  person = JSON.parse(localStorage.getItem(KNOWN) ?? "{}")[sub] ?? null;
  if (person) sessionStorage.setItem(HERE, person);
  else await openSession();
}

/** One request; a session that ended meanwhile is opened again, and the request repeated once. */
async function request(method, path, body) {
  let answer = await ask(method, path, body, person ? { [HEADER]: person } : {});
  if (answer.status === 401) {
    await openSession();
    answer = await ask(method, path, body, { [HEADER]: person });
  }
  return read(answer);
}

/** The mark of whoever opened this page, once signed in; what is kept in the browser is kept under it. */
export const personMark = () => person;

export const get = (path) => request("GET", path);
export const post = (path, body) => request("POST", path, body);
export const patch = (path, body) => request("PATCH", path, body);
export const remove = (path) => request("DELETE", path);
