// The mini-app's sheet: rises over the chat and holds a page of the app, which learns from its frame's name whose phone
// it is on. Only one is open at a time: both phones share this browser's cookies, so two would mix up their sessions.

import { el } from "./api.js";

let openSheet = null;

export class Sheet {
  constructor(root, answers) {
    this.root = root;
    this.answers = answers;
    this.frame = null;
    root.querySelector(".close").addEventListener("click", () => this.close());
    root.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    window.addEventListener("message", (event) => {
      if (this.frame && event.source === this.frame.contentWindow && event.data?.liff) this.hear(event);
    });
  }

  open(address, hint, title) {
    if (openSheet && openSheet !== this) openSheet.close();
    openSheet = this;
    this.before = document.activeElement;
    this.frame = el("iframe", { name: `liff-phone:${hint}`, title, src: address, allow: "camera; clipboard-write" });
    this.root.querySelector(".frame").replaceChildren(this.frame);
    this.root.querySelector(".address").textContent = new URL(address).host;
    this.root.querySelector(".tab").href = address;
    this.root.setAttribute("aria-label", title);
    this.root.hidden = false;
    requestAnimationFrame(() => this.root.classList.add("risen"));
    this.root.querySelector(".close").focus({ preventScroll: true });
  }

  close() {
    if (this.root.hidden) return;
    this.root.classList.remove("risen");
    this.root.hidden = true;
    this.root.querySelector(".frame").replaceChildren();
    this.frame = null;
    if (openSheet === this) openSheet = null;
    this.before?.focus?.({ preventScroll: true });
    this.answers.closed();
  }

  async hear(event) {
    const { liff, id, ...detail } = event.data;
    if (liff === "close") this.close();
    else if (liff === "open") this.answers.open(detail.url, detail.external);
    else if (id) {
      const value = await this.answers[liff]?.(detail);
      event.source.postMessage({ liffAnswer: id, value }, event.origin);
    }
  }
}
