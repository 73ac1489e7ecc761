// Puts the page together.

import { get, post } from "./api.js";
import { Lines } from "./lines.js";
import { Outgoing } from "./outgoing.js";
import { Stream } from "./stream.js";
import { word } from "./words.js";

const MOST_FILES = 30;
const MOST_BYTES = 80 * 1024 * 1024;
const NEAR = 120;
const AGAIN_MS = 2_000;

const $ = (id) => document.getElementById(id);
const scroll = $("scroll");
const text = $("text");
const title = document.title;
let state = "connecting";
let typing = false;

const lines = new Lines($("lines"), (line, button) => {
  say({ payload: button.payload, line: line.id, title: button.title });
});

const outgoing = new Outgoing({
  changed(item) {
    keepInView(() => lines.addPending(item));
    showState();
  },
  sent(item) {
    lines.sent(item.name);
    if (item.state === "sending") setTyping(true);
  },
  failed(item, why) {
    // Under a new name: the old one might have arrived after all, and then nothing is sent again.
    const again = why === "failed" ? () => outgoing.add({ ...item, name: undefined, at: undefined, share: undefined }) : null;
    lines.fail(item.name, why, again);
  },
  lost,
});

const stream = new Stream(
  {
    lines: take,
    typing: setTyping,
    state(now) {
      if (now === "online" && state !== "online") outgoing.hurry();
      state = now;
      showState();
    },
    lost,
  },
  () => lines.last,
);

function take(found) {
  let fresh = false;
  keepInView(() => {
    for (const line of found) {
      if (line.side === "me") outgoing.arrived(line.name);
      const isNew = lines.add(line);
      fresh ||= isNew && line.side === "bot";
    }
  });
  if (!fresh) return;
  setTyping(false);
  if (document.hidden) document.title = word("new_title");
  if (!isNear()) $("newest").hidden = false;
}

function say(item) {
  $("newest").hidden = true;
  outgoing.add(item);
  toEnd();
}

function setTyping(now) {
  typing = now;
  keepInView(() => {
    $("typing").hidden = !typing;
  });
  showState();
}

function showState() {
  const said = word(state === "online" && typing ? "typing" : state);
  if ($("state").textContent !== said) $("state").textContent = said;
  document.body.classList.toggle("is-online", state === "online");
}

function lost(why) {
  stream.end();
  const noCookie = why === "session" && sessionStorage.getItem("youxiang-lost") === "yes";
  $("lost-why").textContent = word(noCookie ? "cookies" : why);
  $("lost").hidden = false;
  state = "connecting";
  if (why === "session") sessionStorage.setItem("youxiang-lost", "yes");
  scroll.scrollTo({ top: 0 });
}

// The view.

function isNear() {
  return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
}

function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
  $("newest").hidden = true;
}

function keepInView(change) {
  const near = isNear();
  change();
  if (near) toEnd();
}

scroll.addEventListener("scroll", () => {
  if (isNear()) $("newest").hidden = true;
});
// Pictures that arrive late, and the keyboard, move the end away.
new ResizeObserver(() => wasNear && toEnd()).observe($("lines"));
let wasNear = true;
scroll.addEventListener("scroll", () => (wasNear = isNear()), { passive: true });
new ResizeObserver(() => wasNear && toEnd()).observe(scroll);
$("newest").addEventListener("click", toEnd);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.title = title;
});

// Writing.

function grow() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const said = text.value.trim();
  if (!said) return;
  text.value = "";
  grow();
  say({ text: said });
  text.focus();
});
text.addEventListener("input", grow);
text.addEventListener("keydown", (event) => {
  // Enter ends the choice of a Chinese character, too.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  $("form").requestSubmit();
});

// Dialogs.

for (const name of ["services", "attach", "more"]) {
  $(`${name}-open`).addEventListener("click", () => $(name).showModal());
  $(name).addEventListener("click", (event) => {
    const outside = event.target === $(name);
    if (outside || event.target.closest("[data-close]")) $(name).close();
  });
}
for (const button of document.querySelectorAll("[data-payload]")) {
  button.addEventListener("click", () => {
    $("services").close();
    say({ payload: button.dataset.payload, line: null, title: button.textContent });
  });
}
for (const button of document.querySelectorAll("[data-picks]")) {
  button.addEventListener("click", () => $(button.dataset.picks).click());
}
for (const input of [$("camera"), $("files")]) {
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    $("attach").close();
    if (files.length) send(files);
  });
}
$("more").addEventListener("close", () => ($("leave-ask").hidden = true));
$("leave").addEventListener("click", () => ($("leave-ask").hidden = false));
$("leave-now").addEventListener("click", async () => {
  const answer = await post("/chat/leave", {});
  if (!answer.ok && answer.status !== 401) return;
  outgoing.clear();
  sessionStorage.clear();
  location.reload();
});
$("reload").addEventListener("click", () => location.reload());

// Files.

function send(files) {
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (files.length > MOST_FILES || bytes > MOST_BYTES) {
    alert(word("too_much"));
    return;
  }
  say({ files });
}

for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    if (kind === "drop") send([...event.dataTransfer.files]);
  });
}
text.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (!files.length) return;
  event.preventDefault();
  send(files);
});

// The beginning: what was said before, then what is said from now on.

$("older").addEventListener("click", async () => {
  const answer = await get(`/chat/history?before=${lines.first}`);
  if (!answer.ok) return;
  const height = scroll.scrollHeight;
  for (const line of answer.data.lines) lines.add(line);
  scroll.scrollTop += scroll.scrollHeight - height;
  $("older").hidden = !answer.data.more;
});

async function begin() {
  const answer = await get("/chat/history");
  if (answer.status === 401) {
    lost("session");
    return;
  }
  if (!answer.ok) {
    state = navigator.onLine ? "connecting" : "offline";
    showState();
    setTimeout(begin, Math.max(AGAIN_MS, answer.pause * 1000));
    return;
  }
  sessionStorage.removeItem("youxiang-lost");
  take(answer.data.lines);
  setTyping(false);
  $("newest").hidden = true;
  $("older").hidden = !answer.data.more;
  if (answer.data.lines.length) toEnd();
  // What was said before is not read out; what is said from now on is.
  requestAnimationFrame(() => $("log").setAttribute("aria-live", "polite"));
  stream.start();
}

outgoing.restore();
begin();
