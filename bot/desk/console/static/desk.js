// What every page of the desk does: badges, alerts, parts that stay fresh, forms that lose nothing.

import { elements, get, post } from "./server.js";
import { listen, start } from "./pulse.js";

const TITLE = document.title;
const KNOWN = "desk-known";
const QUIET = "desk-quiet";
// Times on the page go on while nothing happens.
const REFRESH_MS = 15_000;

function badges({ waiting, offered, unanswered, lists, urgent }) {
  const counts = { ...lists, queue: waiting.length + offered.length + Object.keys(unanswered).length };
  for (const badge of document.querySelectorAll("[data-badge]")) {
    const count = counts[badge.dataset.badge] ?? 0;
    badge.textContent = String(count);
    badge.hidden = count === 0;
    badge.classList.toggle("hot", badge.dataset.badge === "queue" && urgent.length > 0);
  }
}

// What an alert is for: each thing is told once, on whichever page is open.
function news({ waiting, offered, unanswered, lists }) {
  const things = [
    ...waiting.map((id) => `waiting ${id}`),
    ...offered.map((id) => `offered ${id}`),
    ...Object.entries(unanswered).map(([id, seq]) => `line ${id} ${seq}`),
    ...Object.entries(lists).flatMap(([name, count]) =>
      Array.from({ length: count }, (_, index) => `${name} ${index}`),
    ),
  ];
  const before = localStorage.getItem(KNOWN);
  localStorage.setItem(KNOWN, JSON.stringify(things));
  if (before === null) return [];
  const known = new Set(JSON.parse(before));
  return things.filter((thing) => !known.has(thing));
}

let unseen = 0;
function alert(fresh) {
  const open = document.body.dataset.conversation;
  const other = fresh.filter((thing) => document.hidden || !thing.startsWith(`line ${open} `));
  if (other.length === 0) return;
  unseen += other.length;
  title();
  if (localStorage.getItem(QUIET) !== "1") beep();
}

function title() {
  if (!document.hidden) unseen = 0;
  document.title = unseen ? `(${unseen}) 有新消息 · ${TITLE}` : TITLE;
}

function beep() {
  const context = new AudioContext();
  const gain = context.createGain();
  gain.gain.value = 0.15;
  gain.connect(context.destination);
  for (const [pitch, at] of [[660, 0], [880, 0.18]]) {
    const tone = context.createOscillator();
    tone.frequency.value = pitch;
    tone.connect(gain);
    tone.start(context.currentTime + at);
    tone.stop(context.currentTime + at + 0.15);
  }
  setTimeout(() => context.close(), 1_000);
}

async function refresh() {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    if (isUsed(part)) continue;
    const answer = await get(part.dataset.refresh);
    // Somebody may have begun to write meanwhile.
    if (answer.ok && !isUsed(part)) part.replaceChildren(elements(answer.data.html));
  }
}

// Whoever fills in a form, or has its part open, goes on.
function isUsed(part) {
  const active = document.activeElement;
  if (part.contains(active) && active.matches("input, select, textarea")) return true;
  if (part.querySelector("details[open]")) return true;
  return [...part.querySelectorAll("input:not([type=hidden]), select, textarea")].some((field) =>
    field.type === "checkbox" || field.type === "radio"
      ? field.checked !== field.defaultChecked
      : field.tagName === "SELECT"
        ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected))
        : field.value !== field.defaultValue,
  );
}

async function submit(event) {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("data-own") || form.hasAttribute("data-plain")) return;
  event.preventDefault();
  const button = event.submitter;
  const filled = new FormData(form, button);
  button?.setAttribute("disabled", "");
  const answer = await post(form.action, filled);
  button?.removeAttribute("disabled");
  if (answer.ok && answer.data.to) {
    const to = new URL(answer.data.to, location.href);
    const same = to.pathname + to.search === location.pathname + location.search;
    if (same) location.reload();
    else location.assign(to);
    return;
  }
  if (answer.ok) location.reload();
  else problem(form, answer.data.error ?? "没有办成，请再试一次。");
}

function problem(form, sentence) {
  let place = form.querySelector(".problem");
  if (!place) {
    place = document.createElement("p");
    place.className = "problem";
    place.setAttribute("role", "alert");
    form.append(place);
  }
  place.textContent = sentence;
  place.hidden = false;
}

document.addEventListener("submit", submit);
document.addEventListener("visibilitychange", title);
const sound = document.querySelector("#sound");
function showSound() {
  const quiet = localStorage.getItem(QUIET) === "1";
  sound.textContent = quiet ? "提示音：关" : "提示音：开";
  sound.setAttribute("aria-pressed", String(!quiet));
}
sound?.addEventListener("click", () => {
  localStorage.setItem(QUIET, localStorage.getItem(QUIET) === "1" ? "0" : "1");
  showSound();
});
if (sound) showSound();
// What another person at this browser has seen says nothing of this one.
if (localStorage.getItem("desk-user") !== document.body.dataset.user) {
  localStorage.removeItem(KNOWN);
  localStorage.setItem("desk-user", document.body.dataset.user ?? "");
}
let last = "";
listen({
  pulse(data) {
    badges(data);
    alert(news(data));
    const now = JSON.stringify(data);
    if (now !== last) refresh();
    last = now;
  },
  online(yes) {
    document.querySelector("#connection").hidden = yes;
    document.body.dataset.online = yes ? "1" : "0";
  },
});
setInterval(refresh, REFRESH_MS);
start();
