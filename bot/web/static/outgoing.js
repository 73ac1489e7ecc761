// What the parent says goes out one by one, in order, each under a name of its own: after a broken
// connection it is sent again under the same name, and the server takes it once.

import { post, upload } from "./api.js";

const KEPT = "youxiang-outgoing";
const PAUSES_MS = [1_000, 2_000, 4_000, 8_000];
const AGAIN = new Set([0, 408, 425, 429, 500, 502, 503, 504]);

export class Outgoing {
  #told;
  #items = [];
  #running = false;
  #timer = 0;
  #failures = 0;

  // told: { changed(item), sent(item), failed(item, why), lost(why) }
  constructor(told) {
    this.#told = told;
    addEventListener("online", () => this.hurry());
  }

  // What a page that was closed or broken off had not sent yet.
  restore() {
    let kept = [];
    try {
      kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    } catch {
      // Nothing that can be read was kept.
    }
    for (const item of Array.isArray(kept) ? kept : []) this.add(item);
  }

  add(item) {
    item.name ??= newName();
    item.at ??= Date.now();
    item.state = this.#failures ? "waiting" : "sending";
    this.#items.push(item);
    this.#keep();
    this.#told.changed(item);
    this.#run();
    return item;
  }

  // The server shows this one: it need not be sent again.
  arrived(name) {
    const before = this.#items.length;
    this.#items = this.#items.filter((item) => item.name !== name || item.busy);
    if (this.#items.length !== before) this.#keep();
  }

  hurry() {
    clearTimeout(this.#timer);
    this.#failures = 0;
    this.#run();
  }

  clear() {
    this.#items = [];
    this.#keep();
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    clearTimeout(this.#timer);
    while (this.#items.length) {
      const item = this.#items[0];
      item.busy = true;
      item.state = "sending";
      this.#told.changed(item);
      const answer = await this.#send(item);
      item.busy = false;
      if (answer.ok) {
        this.#failures = 0;
        this.#take(item);
        this.#told.sent(item);
      } else if (AGAIN.has(answer.status)) {
        for (const one of this.#items) {
          one.state = answer.status === 429 ? "slow_down" : "waiting";
          this.#told.changed(one);
        }
        const pause = PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length - 1)];
        this.#failures += 1;
        this.#timer = setTimeout(() => this.#run(), Math.max(pause, answer.pause * 1000));
        break;
      } else if (answer.status === 401 || answer.status === 403) {
        this.#told.lost(answer.status === 401 ? "session" : "origin");
        break;
      } else {
        this.#take(item);
        this.#told.failed(item, answer.status === 422 ? "used" : "failed");
      }
    }
    this.#running = false;
  }

  async #send(item) {
    if (item.files) {
      return await upload(`/chat/files?name=${item.name}`, item.files, (share) => {
        item.share = share;
        this.#told.changed(item);
      });
    }
    const { name, text, payload, line } = item;
    const waited = Math.max(0, (Date.now() - item.at) / 1000);
    return await post("/chat/messages", payload ? { name, payload, line, waited } : { name, text, waited });
  }

  #take(item) {
    this.#items = this.#items.filter((one) => one !== item);
    this.#keep();
  }

  #keep() {
    // Files cannot be kept; what is typed is, in this tab only.
    const kept = this.#items
      .filter((item) => !item.files)
      .map(({ name, text, payload, line, title, at }) => ({ name, text, payload, line, title, at }));
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      // Without storage a reload forgets what is not sent yet.
    }
  }
}

function newName() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Over plain HTTP there is no randomUUID.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
