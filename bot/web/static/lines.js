// The lines of the chat as they are shown, in the order of their ids; then what is on its way.

import { nodesOf, safeUrl, webLink } from "./links.js";
import { word } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

export class Lines {
  #list;
  #press;
  #shown = new Map();
  #pending = new Map();
  #names = new Set();
  #last = 0;

  // press(line, button): a quick reply was taken.
  constructor(list, press) {
    this.#list = list;
    this.#press = press;
  }

  get last() {
    return this.#last;
  }

  get first() {
    return Math.min(...this.#shown.keys());
  }

  // Show a line; return whether it was not there yet.
  add(line) {
    if (this.#shown.has(line.id)) return false;
    const item = make("li", `line ${line.side}`);
    item.dataset.id = line.id;
    this.#shown.set(line.id, { line, item });
    if (line.name) this.#names.add(line.name);
    this.#fill(item, line);
    const waiting = this.#pending.get(line.name);
    if (waiting && line.side === "me") {
      // The pictures on this device stay to be seen.
      const thumbs = waiting.item.querySelector(".thumbs");
      if (thumbs) item.querySelector(".bubble").replaceChildren(thumbs);
      this.#drop(line.name);
    }
    this.#place(item, line.id);
    this.#last = Math.max(this.#last, line.id);
    if (line.side === "me") this.#spend(line.id, line.line);
    return true;
  }

  // Show what is on its way, or how far it is.
  addPending(item) {
    if (this.#names.has(item.name)) return;
    let found = this.#pending.get(item.name);
    if (!found) {
      const node = make("li", "line me pending");
      node.append(spoken("me"), this.#bubbleOf(item), make("p", "meta"));
      this.#list.append(node);
      found = { item: node };
      this.#pending.set(item.name, found);
      this.#spend(Infinity, item.line);
    }
    const meta = found.item.querySelector(".meta");
    let said = word(item.state);
    if (item.files && item.state === "sending" && item.share !== undefined) {
      const percent = Math.round(item.share * 100);
      said = percent < 100 ? word("uploading", { percent }) : word("checking");
      const bar = found.item.querySelector("progress");
      bar.value = percent;
    }
    if (meta.textContent !== said) meta.textContent = said;
  }

  sent(name) {
    const found = this.#pending.get(name);
    if (!found) return;
    found.item.querySelector("progress")?.remove();
    found.item.querySelector(".meta").textContent = word("sent");
  }

  fail(name, why, again) {
    const found = this.#pending.get(name);
    if (!found) return;
    found.item.querySelector("progress")?.remove();
    const meta = found.item.querySelector(".meta");
    meta.className = "meta failed";
    meta.textContent = word(why);
    if (!again) return;
    for (const [title, act] of [["retry", again], ["remove", null]]) {
      const button = make("button", "", word(title));
      button.type = "button";
      button.addEventListener("click", () => {
        this.#drop(name);
        act?.();
      });
      meta.append(" ", button);
    }
  }

  #drop(name) {
    this.#pending.get(name)?.item.remove();
    this.#pending.delete(name);
  }

  #bubbleOf(item) {
    const bubble = make("div", "bubble");
    if (!item.files) {
      bubble.append(make("span", "text", item.title ?? item.text));
      return bubble;
    }
    const thumbs = make("div", "thumbs");
    for (const file of item.files) thumbs.append(thumbOf(file));
    const bar = make("progress");
    bar.max = 100;
    bar.value = 0;
    bar.setAttribute("aria-label", word("uploading", { percent: "" }).trim());
    bubble.append(thumbs, bar);
    return bubble;
  }

  #fill(item, line) {
    const bubble = make("div", "bubble");
    if (line.image) bubble.append(pictureOf(line));
    if (line.text && !(line.image && line.text === line.alt)) {
      const text = make("span", "text");
      text.append(...nodesOf(line.text));
      bubble.append(text);
    }
    if (line.attachment) bubble.append(attachmentOf(line));
    for (const name of line.files ?? []) bubble.append(fileOf(name || word("file")));
    const meta = make("p", "meta");
    const time = make("time", "", line.at.slice(11, 16));
    time.dateTime = line.at;
    meta.append(time);
    item.append(spoken(line.side), bubble);
    if (line.buttons?.length && line.side === "bot") item.append(this.#choices(line));
    item.append(meta);
  }

  #choices(line) {
    const list = make("ul", "choices");
    for (const choice of line.buttons) {
      const button = make("button", "choice", choice.title);
      button.type = "button";
      button.dataset.answer = choice.answer;
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-disabled") === "true") return;
        button.classList.add("taken");
        this.#press(line, choice);
      });
      const row = make("li");
      row.append(button);
      list.append(row);
    }
    return list;
  }

  // Something was said after these: what was pressed, and what only answers, can no longer be.
  #spend(before, pressed) {
    for (const [id, { item, line }] of this.#shown) {
      if (id >= before || !line.buttons) continue;
      for (const button of item.querySelectorAll(".choice")) {
        if (id === pressed || button.dataset.answer === "true") {
          button.setAttribute("aria-disabled", "true");
        }
      }
    }
  }

  #place(item, id) {
    const later = [...this.#list.children].find(
      (one) => one.classList.contains("pending") || Number(one.dataset.id) > id,
    );
    this.#list.insertBefore(item, later ?? null);
    this.#divide();
  }

  // A heading wherever another day begins; those that are right stay untouched.
  #divide() {
    let day = "";
    let heading = null;
    for (const item of [...this.#list.children]) {
      if (item.classList.contains("day")) {
        heading?.remove();
        heading = item;
        continue;
      }
      const at = this.#shown.get(Number(item.dataset.id))?.line.at.slice(0, 10);
      if (!at) continue;
      if (at !== day && heading?.dataset.day !== at) {
        const fresh = make("li", "day", dayName(at));
        fresh.dataset.day = at;
        item.before(fresh);
        heading?.remove();
      } else if (at === day) {
        heading?.remove();
      }
      heading = null;
      day = at;
    }
  }
}

function dayName(day) {
  const name = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" });
  if (day === name.format(Date.now())) return word("today");
  if (day === name.format(Date.now() - 86_400_000)) return word("yesterday");
  const [year, month, date] = day.split("-").map(Number);
  const weekday = word("weekdays").split(" ")[new Date(Date.UTC(year, month - 1, date)).getUTCDay()];
  return word("date", { month, day: date, weekday });
}

function spoken(side) {
  return make("span", "hidden", word(side));
}

function pictureOf(line) {
  const url = safeUrl(line.image);
  if (!url || url.origin !== location.origin) return make("span", "text", line.alt || word("picture"));
  const link = webLink(url.href, "");
  link.className = "picture";
  const picture = make("img");
  picture.alt = line.alt || word("picture");
  picture.src = url.href;
  link.append(picture);
  return link;
}

function attachmentOf(line) {
  const name = line.name || word("file");
  const link = webLink(line.attachment, word("open", { name }));
  const row = make("span", "file");
  row.append(icon("folder"), link ?? name);
  return row;
}

function fileOf(name) {
  const row = make("span", "file");
  row.append(icon("folder"), make("span", "", name));
  return row;
}

function thumbOf(file) {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type)) return fileOf(file.name);
  const picture = make("img");
  picture.alt = file.name;
  picture.src = URL.createObjectURL(file);
  picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
  picture.addEventListener("error", () => picture.replaceWith(fileOf(file.name)), { once: true });
  return picture;
}

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/page/icons.svg#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}
