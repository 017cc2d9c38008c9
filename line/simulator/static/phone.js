// One phone: a person, their chat, their rich menu, and what happens when they tap.

import { ask, el, onChange } from "./api.js";
import { drawChat } from "./chat.js";
import { askLine, pickPerson, stateInWords } from "./dialogs.js";
import { Sheet } from "./sheet.js";

const PICKERS = { date: "date", time: "time", datetime: "datetime-local" };
const app = document.body.dataset.app;

export class Phone {
  constructor(place, number, onPerson) {
    const fragment = document.getElementById("phone").content.cloneNode(true);
    this.root = fragment.firstElementChild;
    this.number = number;
    this.onPerson = onPerson;
    this.user = null;
    this.menuOpen = window.innerHeight >= 720; // a small screen would show the menu and no chat
    this.root.setAttribute("aria-label", `Phone ${number}`);
    this.find(".account").textContent = document.body.dataset.account;
    this.find(".chat").setAttribute("aria-label", `Chat on phone ${number}`);
    this.find("input").setAttribute("aria-label", `Message from phone ${number}`);
    this.find(".write").hidden = true;
    this.find(".chat").append(el("p", { class: "empty" }, "Choose above whose phone this is."));
    place.append(fragment);
    this.sheet = new Sheet(this.find(".sheet"), {
      closed: () => this.refresh(),
      open: (url, external) => this.openLink(url, external),
      share: (detail) => this.share(detail.messages),
      scan: () => askLine("Scan a code", "What the code says"),
    });
    this.listen();
  }

  find(selector) { return this.root.querySelector(selector); }

  listen() {
    this.find(".who").addEventListener("click", async () => {
      const chosen = await pickPerson();
      if (chosen) this.hold(chosen.user_id);
    });
    this.find(".more").addEventListener("click", () => this.toggleActions());
    this.find(".write").addEventListener("submit", (event) => { event.preventDefault(); this.write(); });
    this.find(".toggle").addEventListener("click", () => { this.menuOpen = !this.menuOpen; this.showMenu(); this.scrollToEnd(); });
    this.root.addEventListener("keydown", (event) => { if (event.key === "Escape") this.toggleActions(false); });
    onChange((topics) => {
      if (!this.user) return;
      if (topics?.has("sms")) this.showText();
      if (topics === null || topics.has(this.user.user_id) || topics.has("menus")) this.refresh();
    });
  }

  async hold(userId) {
    this.sheet.close();
    this.user = { user_id: userId };
    localStorage.setItem(`phone-${this.number}`, userId);
    await this.refresh(true);
    this.onPerson?.();
  }

  async refresh(fresh = false) {
    if (!this.user) return;
    let screen;
    try {
      screen = await ask(`users/${this.user.user_id}/chat`);
    } catch {
      localStorage.removeItem(`phone-${this.number}`);
      return;
    }
    this.user = screen.user;
    this.screen = screen;
    const stay = this.readsBack() && !fresh;
    this.showPerson();
    this.showChat();
    this.showQuickReplies();
    this.showMenu();
    if (!stay) this.scrollToEnd();
  }

  showPerson() {
    const { name, state, member_ref: ref } = this.user;
    this.find(".name").textContent = name;
    this.find(".state").textContent = [stateInWords(state), ref].filter(Boolean).join(" · ");
    this.find(".face").textContent = [...name][0] ?? "?";
    const join = this.find(".join");
    join.hidden = state === "friend";
    join.querySelector("p").textContent = state === "blocked" ? `${name} has blocked this account.` : `${name} is not a friend of this account yet.`;
    const button = join.querySelector("button");
    button.textContent = state === "blocked" ? "Unblock" : "Add as friend";
    button.onclick = () => this.act("follow");
    this.find(".write").hidden = state === "blocked";
  }

  // Whoever has scrolled up to read stays there when something new arrives.
  readsBack() {
    const chat = this.find(".chat");
    return chat.scrollHeight - chat.scrollTop - chat.clientHeight > 80;
  }

  scrollToEnd() {
    const chat = this.find(".chat");
    const down = () => { chat.scrollTop = chat.scrollHeight; };
    down();
    for (const picture of chat.querySelectorAll("img")) picture.addEventListener("load", down, { once: true });
  }

  showChat() {
    const lines = drawChat(this.screen.lines, (action) => this.tap(action));
    if (this.screen.loading) lines.push(el("p", { class: "loading" }, "···"));
    if (!lines.length) lines.push(el("p", { class: "empty" }, "Nothing has been said yet."));
    this.find(".chat").replaceChildren(...lines);
  }

  showQuickReplies() {
    const last = this.screen.lines.at(-1);
    const items = last?.by === "account" ? last.message.quickReply?.items ?? [] : [];
    const quick = this.find(".quick");
    quick.hidden = !items.length;
    quick.replaceChildren(...items.map(({ action }) => el("button", { type: "button", onclick: () => this.tap(action) }, action.label)));
  }

  showMenu() {
    const menu = this.user.state === "friend" ? this.screen.menu : null;
    const toggle = this.find(".toggle");
    const sheet = this.find(".menu");
    toggle.hidden = !menu;
    toggle.setAttribute("aria-expanded", String(this.menuOpen));
    toggle.setAttribute("aria-label", menu?.chatBarText ?? "Menu");
    sheet.hidden = !menu || !this.menuOpen;
    if (!menu || sheet.dataset.menu === menu.richMenuId) return;
    sheet.dataset.menu = menu.richMenuId;
    const { width, height } = menu.size;
    const areas = sheet.querySelector(".areas");
    areas.style.aspectRatio = `${width} / ${height}`;
    areas.style.backgroundImage = `url(/_sim/menus/${menu.richMenuId}/image)`;
    areas.replaceChildren(...menu.areas.map(({ bounds, action }) => el("button", {
      type: "button",
      "aria-label": action.label ?? action.displayText ?? action.text ?? action.data ?? action.uri,
      onclick: () => this.tap(action),
      style: {
        left: `${(bounds.x / width) * 100}%`, top: `${(bounds.y / height) * 100}%`,
        width: `${(bounds.width / width) * 100}%`, height: `${(bounds.height / height) * 100}%`,
      },
    })));
  }

  async write() {
    const field = this.find("input");
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    await this.act("say", { text });
  }

  async tap(action) {
    if (action.type === "uri") return this.openLink(action.uri);
    if (action.type === "clipboard") {
      await navigator.clipboard?.writeText(action.clipboardText);
      return this.toast("Copied.");
    }
    if (["camera", "cameraRoll", "location"].includes(action.type)) return this.toast("Not on this phone.");
    const body = { action };
    if (action.type === "datetimepicker") {
      const bound = { value: action.initial, min: action.min, max: action.max };
      body.picked = await askLine(action.label ?? "Pick", "When", { type: PICKERS[action.mode], ...bound });
      if (!body.picked) return undefined;
    }
    if (action.inputOption === "closeRichMenu") this.menuOpen = false;
    if (action.inputOption === "openRichMenu") this.menuOpen = true;
    if (action.fillInText) this.find("input").value = action.fillInText;
    return this.act("tap", body);
  }

  async openLink(uri, external = false) {
    const { opens, hint } = await ask(`users/${this.user.user_id}/open`, { uri });
    const inApp = opens.startsWith(app) || opens.startsWith(`${location.origin}/liff/open/`);
    if (external || !inApp) {
      if (!/^https?:/.test(opens)) return this.toast(`A phone would open ${opens}`);
      return window.open(opens, "_blank", "noopener");
    }
    return this.sheet.open(opens, hint, `Mini-app on phone ${this.number}`);
  }

  async share(messages) {
    const friend = await pickPerson("Share with whom?");
    if (!friend) return false;
    await ask(`users/${friend.user_id}/receive`, { messages, sender: this.user.name });
    this.toast(`Shared with ${friend.name}.`);
    return true;
  }

  toggleActions(show = this.find(".actions").hidden) {
    const list = this.find(".actions");
    list.hidden = !show || !this.user;
    this.find(".more").setAttribute("aria-expanded", String(!list.hidden));
    if (list.hidden) return;
    const item = (label, work) => el("button", { type: "button", role: "menuitem", onclick: () => { this.toggleActions(false); work(); } }, label);
    list.replaceChildren(
      item("Open the mini-app", () => this.openLink(`https://liff.line.me/${document.body.dataset.liff}`)),
      this.user.state === "blocked" ? item("Unblock", () => this.act("follow")) : item("Block", () => this.act("block")),
      item("Take back the last message", () => this.act("unsend")),
      item("Next sign-in gets an expired token", () => this.expire()),
    );
    list.querySelector("button").focus();
  }

  // A text message, such as a one-time code, slides in over whatever is open. Numbers have no owner here: both show it.
  async showText() {
    const last = (await ask("sms")).at(-1);
    const notice = this.find(".notice");
    notice.replaceChildren(el("small", {}, `Text message to ${last.to}`), last.text);
    clearTimeout(this.clearing);
    this.clearing = setTimeout(() => notice.replaceChildren(), 20000);
  }

  async expire() {
    await this.act("state", { expired_tokens: true });
    this.toast("The mini-app will next be given an ID token that has expired.");
  }

  async act(name, body = {}) {
    try {
      const done = await ask(`users/${this.user.user_id}/${name}`, body);
      const hook = done.webhook;
      if (hook && (hook.status === null || hook.status >= 300)) this.toast(`The app did not take it: ${hook.error || hook.status}.`);
    } catch (error) {
      this.toast(error.message);
    }
    await this.refresh(true);
  }

  toast(text) {
    const toast = this.find(".toast");
    toast.textContent = text;
    clearTimeout(this.fading);
    this.fading = setTimeout(() => { toast.textContent = ""; }, 5000);
  }
}
