// Stands in for LINE's LIFF SDK on loopback: the same names, answered by the simulator that served this file.
// Which person's phone the page is on comes from the frame's name (set by the phone), from `?sim_user=` in the
// address (set by the sign-in page, or by a test), or from an earlier page of the same tab.
(() => {
  "use strict";

  const SETTINGS = "LIFF-SETTINGS"; // {liffId, endpoint}, filled in by the simulator
  const SIMULATOR = new URL(document.currentScript.src).origin;
  const STORE = `LIFF_STORE:${SETTINGS.liffId}:`;
  const OWN_PARAMETERS = ["sim_user", "liff.state"];
  const FRAME = "liff-phone:";

  class LiffError extends Error {
    constructor(code, message) {
      super(message);
      this.name = "LiffError";
      this.code = code;
    }
  }

  const inClient = window.name.startsWith(FRAME);
  const storage = inClient ? sessionStorage : localStorage;
  let resolveReady;
  const ready = new Promise((resolve) => { resolveReady = resolve; });
  let initialised = false;

  const keep = (key, value) => storage.setItem(STORE + key, JSON.stringify(value));
  const kept = (key) => JSON.parse(storage.getItem(STORE + key) ?? "null");
  const forget = () => {
    for (const key of Object.keys(storage)) if (key.startsWith(STORE)) storage.removeItem(key);
  };

  function hint() {
    if (inClient) return window.name.slice(FRAME.length);
    return new URLSearchParams(location.search).get("sim_user") ?? kept("hint");
  }

  async function ask(path, options) {
    const answer = await fetch(SIMULATOR + path, options);
    if (!answer.ok) throw new LiffError(String(answer.status), (await answer.json()).error);
    return answer.json();
  }

  async function signIn(who) {
    const session = await ask(`/liff/context?sim_user=${encodeURIComponent(who)}`);
    for (const [key, value] of Object.entries(session)) keep(key, value);
    keep("hint", who);
    keep("signedInAt", Date.now());
  }

  // As LIFF does: an ID token that is there is kept, however old, until logout; only a new phone replaces it.
  function signedInAs(who) {
    const age = Date.now() - (kept("signedInAt") ?? 0);
    return kept("accessToken") !== null && kept("hint") === who && age < kept("expiresIn") * 1000;
  }

  // The second redirect: endpoint path + state path, the endpoint's own query first, the hash from the state.
  function secondaryAddress() {
    const here = new URL(location.href);
    const state = here.searchParams.get("liff.state");
    for (const name of OWN_PARAMETERS) here.searchParams.delete(name);
    if (!state) return here;
    const endpoint = new URL(SETTINGS.endpoint);
    const wanted = new URL(state.startsWith("/") ? state : `/${state}`, endpoint.origin);
    if (state.startsWith("?") || state.startsWith("#")) wanted.pathname = "/";
    const base = endpoint.pathname.replace(/\/$/, "");
    const path = wanted.pathname === "/" ? endpoint.pathname : base + wanted.pathname;
    const merged = new URLSearchParams([...here.searchParams, ...wanted.searchParams]);
    const query = merged.toString();
    return new URL(`${path}${query ? `?${query}` : ""}${wanted.hash}`, endpoint.origin);
  }

  // https://liff.line.me/{liffId}/… leads here too: LINE's app would catch it, and so do we, before it leaves loopback.
  function caught(address) {
    const { hostname, pathname, search, hash } = new URL(address, location.href);
    const prefix = `/${SETTINGS.liffId}`;
    if (!["liff.line.me", "miniapp.line.me"].includes(hostname) || !pathname.startsWith(prefix)) return null;
    const state = pathname.slice(prefix.length) + search + hash;
    return state ? `${SETTINGS.endpoint}?liff.state=${encodeURIComponent(state)}` : SETTINGS.endpoint;
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const address = link && !event.defaultPrevented ? caught(link.href) : null;
    if (!address) return;
    event.preventDefault();
    location.href = address;
  });
  window.navigation?.addEventListener("navigate", (event) => {
    const address = event.cancelable ? caught(event.destination.url) : null;
    if (!address) return;
    event.preventDefault();
    setTimeout(() => location.replace(address));
  });

  function mustBeReady() {
    if (!initialised) throw new LiffError("INVALID_CONFIG", "call liff.init() first");
  }

  function mustBeSignedIn() {
    mustBeReady();
    if (!liff.isLoggedIn()) throw new LiffError("UNAUTHORIZED", "nobody is signed in");
  }

  function tellPhone(type, detail) {
    if (inClient) window.parent.postMessage({ liff: type, ...detail }, SIMULATOR);
  }

  function language() {
    return kept("language") ?? navigator.language;
  }

  function askPhone(type, detail) {
    return new Promise((resolve) => {
      const id = String(Math.random());
      const answer = (event) => {
        if (event.origin !== SIMULATOR || event.data?.liffAnswer !== id) return;
        window.removeEventListener("message", answer);
        resolve(event.data.value);
      };
      window.addEventListener("message", answer);
      tellPhone(type, { id, ...detail });
    });
  }

  const AVAILABLE = new Set(["shareTargetPicker", "scanCodeV2", "sendMessages", "closeWindow", "openWindow"]);

  const liff = {
    id: null,
    ready,

    async init(config, success, failure) {
      try {
        if (config?.liffId !== SETTINGS.liffId) throw new LiffError("INVALID_ARGUMENT", `no mini-app ${config?.liffId}`);
        if (!location.href.startsWith(SETTINGS.endpoint.replace(/\/$/, ""))) {
          throw new LiffError("INVALID_CONFIG", `${location.href} is not under ${SETTINGS.endpoint}`);
        }
        const who = hint();
        if (who && !signedInAs(who)) {
          forget();
          await signIn(who);
        }
        const next = secondaryAddress();
        if (next.href !== location.href) {
          if (next.pathname !== location.pathname) {
            location.replace(next.href);
            return await new Promise(() => {}); // the page is leaving; init() runs again on the next one
          }
          history.replaceState(history.state, "", next.href);
        }
        liff.id = SETTINGS.liffId;
        initialised = true;
        if (!who && config.withLoginOnExternalBrowser) liff.login();
        resolveReady();
        success?.();
        return undefined;
      } catch (error) {
        failure?.(error);
        throw error;
      }
    },

    isLoggedIn: () => kept("accessToken") !== null,
    login({ redirectUri } = {}) {
      const target = redirectUri ?? SETTINGS.endpoint;
      location.href = `${SIMULATOR}/liff/login?redirect_uri=${encodeURIComponent(target)}`;
    },
    logout: forget,
    getIDToken: () => (mustBeReady(), kept("idToken")),
    getDecodedIDToken: () => (mustBeReady(), kept("decodedIDToken")),
    getAccessToken: () => (mustBeReady(), kept("accessToken")),
    async getProfile() {
      mustBeSignedIn();
      const { userId, displayName, pictureUrl } = kept("profile");
      return pictureUrl ? { userId, displayName, pictureUrl } : { userId, displayName };
    },
    async getFriendship() {
      mustBeSignedIn();
      const session = await ask(`/liff/friendship?sim_user=${encodeURIComponent(kept("hint"))}`);
      return { friendFlag: session.friendFlag };
    },
    getContext() {
      mustBeReady();
      return {
        type: inClient ? "utou" : "external",
        userId: kept("profile")?.userId,
        liffId: SETTINGS.liffId,
        viewType: inClient ? "full" : undefined,
        endpointUrl: SETTINGS.endpoint,
        scope: kept("scope") ?? [],
        availability: Object.fromEntries([...AVAILABLE].map((name) => [name, { permission: true }])),
      };
    },

    isInClient: () => inClient,
    getOS: () => (inClient ? "android" : "web"),
    getLanguage: language,
    getAppLanguage: language,
    getVersion: () => "2.31.0",
    getLineVersion: () => (inClient ? "15.20.0" : null),
    isApiAvailable: (name) => AVAILABLE.has(name) && (inClient || name === "shareTargetPicker" || name === "scanCodeV2"),

    closeWindow() {
      if (inClient) tellPhone("close", {});
      else window.close();
    },
    openWindow({ url, external = false }) {
      if (inClient) tellPhone("open", { url, external });
      else window.open(url, "_blank", "noopener");
    },
    async sendMessages(messages) {
      mustBeSignedIn();
      if (!inClient) throw new LiffError("FORBIDDEN", "only from a chat inside LINE");
      const body = JSON.stringify({ sim_user: kept("hint"), messages });
      await ask("/liff/send", { method: "POST", body, headers: { "Content-Type": "application/json" } });
    },
    async shareTargetPicker(messages) {
      mustBeSignedIn();
      if (inClient) return (await askPhone("share", { messages })) ? { status: "success" } : undefined;
      return window.confirm("Share with a friend?") ? { status: "success" } : undefined;
    },
    async scanCodeV2() {
      mustBeReady();
      const value = inClient ? await askPhone("scan", {}) : window.prompt("What does the code say?");
      if (value === null || value === undefined) throw new LiffError("EXCEPTION_IN_SUBWINDOW", "scanning was cancelled");
      return { value };
    },
    permanentLink: {
      async createUrlBy(address) {
        mustBeReady();
        const endpoint = SETTINGS.endpoint.replace(/\/$/, "");
        if (!address.startsWith(endpoint)) throw new LiffError("INVALID_ARGUMENT", `${address} is not under ${endpoint}`);
        return `https://liff.line.me/${SETTINGS.liffId}${address.slice(endpoint.length)}`;
      },
    },
    i18n: { setLang: async () => undefined },
  };

  window.liff = liff;
})();
