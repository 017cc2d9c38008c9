// What a shop's site tells Regulars: products looked at, marked, put in the cart, and the checkout begun.
//   <script async src="https://your-regulars/t.js" data-site="web"></script>
// A product page says its number:  <meta name="regulars:sku" content="TEA-1">
// A button says what it does:      <button data-regulars="carted" data-sku="TEA-1">
// Or by hand:                      regulars.browsed("TEA-1"), .favourited(sku), .carted(sku), .checkout(order)
// No cookie; an id of this browser's own in localStorage. A browser that asks not to be followed is not.
(() => {
  const script = document.currentScript;
  const site = script?.dataset.site;
  if (!site || navigator.globalPrivacyControl || navigator.doNotTrack === "1") return;

  const home = new URL(script.src).origin;
  const KEY = "regulars.visitor";
  const SOON = 400; // what happens together is told together
  const MOST = 20; // steps at once
  const KINDS = ["browsed", "favourited", "carted", "checkout_started"];
  let steps = [];
  let waiting = null;
  let token = arrivedBy();

  /** This browser's own id: made here, kept here. */
  function visitorId() {
    const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    try {
      const kept = localStorage.getItem(KEY) ?? fresh();
      localStorage.setItem(KEY, kept);
      return kept;
    } catch {
      return fresh(); // nothing may be kept here: this page is all we know of them
    }
  }

  /** The personal link that led here. It leaves the address at once, so that nobody passes it on. */
  function arrivedBy() {
    const address = new URL(location.href);
    const found = address.searchParams.get("rt");
    if (!found) return null;
    address.searchParams.delete("rt");
    history.replaceState(history.state, "", address);
    return found;
  }

  function note(kind, object) {
    if (!object || !KINDS.includes(kind)) return;
    steps.push({ kind, object: String(object).slice(0, 200) });
    waiting ??= setTimeout(tell, SOON);
  }

  function tell() {
    clearTimeout(waiting);
    waiting = null;
    if (!steps.length && !token) return;
    const body = JSON.stringify({ site, visitor, token, steps: steps.splice(0, MOST) });
    token = null;
    // As plain text no browser asks first whether it may; the answer is not read.
    fetch(`${home}/collect`, { method: "POST", body, keepalive: true, credentials: "omit" }).catch(() => {});
    if (steps.length) waiting = setTimeout(tell, SOON);
  }

  const visitor = visitorId();
  window.regulars = {
    visitor,
    browsed: (sku) => note("browsed", sku),
    favourited: (sku) => note("favourited", sku),
    carted: (sku) => note("carted", sku),
    checkout: (order) => note("checkout_started", order),
  };
  note("browsed", document.querySelector('meta[name="regulars:sku"]')?.content);
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest?.("[data-regulars][data-sku]");
    if (pressed) note(pressed.dataset.regulars, pressed.dataset.sku);
  });
  addEventListener("pagehide", tell);
  if (token) tell();
})();
