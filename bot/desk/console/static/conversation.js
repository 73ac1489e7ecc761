// One conversation: new lines as they come, and what the agent says until the server has it.

import { elements, get, post } from "./server.js";
import { listen } from "./pulse.js";

const id = document.body.dataset.conversation;
const base = `/desk/conversations/${id}`;
const lines = document.querySelector("#lines");
const composer = document.querySelector("#composer");
const text = document.querySelector("#text");
const STORED = `desk-outgoing-${id}`;
const PAUSES_MS = [500, 1_000, 2_000, 4_000];
let last = Number(document.body.dataset.last);
let looking = null;
let again = false;

const near = () => lines.scrollHeight - lines.scrollTop - lines.clientHeight < 120;
const down = () => lines.scrollTo(0, lines.scrollHeight);

async function look() {
  if (looking) {
    again = true;
    return looking;
  }
  looking = (async () => {
    do {
      again = false;
      const answer = await get(`${base}/news?after=${last}`);
      if (!answer.ok) break;
      const follow = near();
      const fresh = elements(answer.data.lines);
      const first = lines.querySelector(".pending, .failed");
      // Two answers at once may hold the same line.
      for (const line of fresh.querySelectorAll(".line")) {
        if (Number(line.dataset.seq) > last) lines.insertBefore(line, first);
      }
      last = Math.max(last, answer.data.last);
      document.querySelector("#head").replaceChildren(elements(answer.data.head));
      if (follow) down();
    } while (again);
  })();
  await looking;
  looking = null;
}

// What is said is kept until the server has it; the same key is written once.
const kept = () => JSON.parse(localStorage.getItem(STORED) ?? "[]");
const keep = (list) => localStorage.setItem(STORED, JSON.stringify(list));
let sending = false;

async function sendAll() {
  if (sending) return;
  sending = true;
  let failures = 0;
  while (kept().length > 0) {
    const [one] = kept();
    const form = new FormData();
    form.set("key", one.key);
    form.set("text", one.text);
    const answer = await post(`${base}/say`, form);
    if (answer.ok) {
      // Its line is here before the pending one goes.
      await look();
      keep(kept().filter((each) => each.key !== one.key));
      pendingLine(one.key)?.remove();
      failures = 0;
    } else if (answer.status === 0 || answer.status >= 500) {
      await new Promise((done) => setTimeout(done, PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)]));
    } else {
      keep(kept().filter((each) => each.key !== one.key));
      pendingLine(one.key)?.remove();
      problem(answer.data.error);
      text.value = text.value ? `${one.text}\n${text.value}` : one.text;
    }
  }
  sending = false;
}

const pendingLine = (key) => lines.querySelector(`.line[data-key="${key}"]`);

function showPending({ key, text: said }) {
  const line = document.createElement("li");
  line.className = "line agent pending";
  line.dataset.key = key;
  const who = document.createElement("p");
  who.className = "who";
  who.textContent = "发送中……";
  const bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.textContent = said;
  line.append(who, bubble);
  lines.append(line);
  down();
  return line;
}

function problem(sentence) {
  const place = composer.querySelector(".problem");
  place.textContent = sentence ?? "";
  place.hidden = !sentence;
}

function say() {
  const said = text.value.trim();
  if (!said) return;
  problem("");
  const one = { key: crypto.randomUUID(), text: said };
  keep([...kept(), one]);
  text.value = "";
  showPending(one);
  sendAll();
}

async function sendFile(file) {
  const key = crypto.randomUUID();
  const line = showPending({ key, text: file.name });
  const form = new FormData();
  form.set("key", key);
  form.set("file", file, file.name);
  let answer;
  for (const pause of [...PAUSES_MS, 0]) {
    answer = await post(`${base}/send`, form);
    if (answer.status !== 0 && answer.status < 500) break;
    await new Promise((done) => setTimeout(done, pause));
  }
  if (answer.ok) await look();
  else problem(answer.data.error);
  line.remove();
}

async function note() {
  const said = text.value.trim();
  if (!said) return;
  const form = new FormData();
  form.set("text", said);
  const answer = await post(`${base}/note`, form);
  if (!answer.ok) {
    problem(answer.data.error);
    return;
  }
  text.value = "";
  await look();
}

async function fill(code) {
  const answer = await get(`${base}/canned?code=${encodeURIComponent(code)}`);
  if (!answer.ok) problem(answer.data.error);
  else text.value = text.value ? `${text.value}\n${answer.data.text}` : answer.data.text;
  text.focus();
}

if (composer) {
  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    say();
  });
  text.addEventListener("keydown", (event) => {
    // Enter also ends the choice of a character in an input method.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      say();
    }
  });
  document.querySelector("#as-note").addEventListener("click", note);
  document.querySelector("#file").addEventListener("change", (event) => {
    for (const file of event.target.files) sendFile(file);
    event.target.value = "";
  });
  document.querySelector("#canned")?.addEventListener("change", (event) => {
    if (event.target.value) fill(event.target.value);
    event.target.value = "";
  });
  for (const one of kept()) showPending(one);
  sendAll();
}
listen({ pulse: look });
down();
