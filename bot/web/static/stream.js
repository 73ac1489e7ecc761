// Keeps the page's lines those of the server: a stream by cursor, and single looks in between.

import { get } from "./api.js";

// The server says something at least every 10 seconds.
const SILENCE_MS = 25_000;
// A proxy that holds the stream back shows by the first event not coming.
const FIRST_EVENT_MS = 6_000;
const LOOK_MS = 2_500;
const STREAM_AGAIN_MS = 60_000;
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

export class Stream {
  #told;
  #source = null;
  #watch = 0;
  #timer = 0;
  #failures = 0;
  #heldBack = 0;
  #ended = false;

  // told: { lines, typing, state ("online" | "connecting" | "offline"), lost(status) }, functions;
  // cursor(): the highest id that the page has.
  constructor(told, cursor) {
    this.#told = told;
    this.cursor = cursor;
    addEventListener("online", () => this.#again(0));
    addEventListener("offline", () => this.#told.state("offline"));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.#source) this.#again(0);
    });
    addEventListener("pageshow", (event) => event.persisted && this.#again(0));
  }

  start() {
    this.#again(0);
  }

  end() {
    this.#ended = true;
    this.#close();
  }

  #again(pause) {
    this.#close();
    clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.#open(), pause);
  }

  #open() {
    if (!("EventSource" in window) || Date.now() - this.#heldBack < STREAM_AGAIN_MS) {
      this.#look();
      return;
    }
    const source = new EventSource(`/chat/events?after=${this.cursor()}`);
    this.#source = source;
    this.#expect(FIRST_EVENT_MS, () => {
      this.#heldBack = source.readyState === EventSource.OPEN ? Date.now() : 0;
      this.#look();
    });
    const heard = (take) => (event) => {
      if (source !== this.#source) return;
      this.#failures = 0;
      this.#told.state("online");
      this.#expect(SILENCE_MS, () => this.#look());
      take(JSON.parse(event.data));
    };
    source.addEventListener("line", heard((line) => this.#told.lines([line])));
    source.addEventListener("typing", heard((typing) => this.#told.typing(typing)));
    source.addEventListener("ping", heard(() => {}));
    // What went wrong is not told; a single look finds out, and catches up.
    source.onerror = () => source === this.#source && this.#look();
  }

  async #look() {
    this.#close();
    const before = this.cursor();
    const answer = await get(`/chat/lines?after=${before}`);
    if (this.#ended) return;
    if (answer.ok) {
      this.#told.lines(answer.data.lines);
      this.#told.typing(answer.data.typing);
      this.#told.state("online");
      const more = this.cursor() > before && answer.data.lines.length > 1;
      const pause = more ? 0 : Math.max(LOOK_MS, PAUSES_MS[0]);
      this.#failures = 0;
      this.#again(this.#heldBack && Date.now() - this.#heldBack < STREAM_AGAIN_MS ? pause : 300);
    } else if (answer.status === 401) {
      this.#ended = true;
      this.#told.lost("session");
    } else {
      this.#told.state(navigator.onLine ? "connecting" : "offline");
      const pause = PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length - 1)];
      this.#failures += 1;
      this.#again(Math.max(pause * (0.7 + 0.6 * Math.random()), answer.pause * 1000));
    }
  }

  #expect(patience, otherwise) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(otherwise, patience);
  }

  #close() {
    clearTimeout(this.#watch);
    this.#source?.close();
    this.#source = null;
  }
}
