// How the desk stands, told to every open page: one of them listens, for all of them.

const SILENCE_MS = 25_000;
const AGAIN_MS = 1_000;
const channel = new BroadcastChannel("desk");
const listeners = new Set();

// told: { pulse(data), online(yes) }
export function listen(told) {
  listeners.add(told);
}

export function start() {
  channel.onmessage = (event) => apply(event.data);
  // Browsers keep few connections to one server: only the page that holds the lock has a stream.
  if (navigator.locks) navigator.locks.request("desk-stream", () => new Promise(open));
  else open();
}

function tell(message) {
  apply(message);
  channel.postMessage(message);
}

function apply({ pulse, online }) {
  for (const told of listeners) {
    if (online !== undefined) told.online?.(online);
    if (pulse) told.pulse?.(pulse);
  }
}

function open() {
  let watch = 0;
  const source = new EventSource("/desk/events");
  const again = () => {
    clearTimeout(watch);
    source.close();
    tell({ online: false });
    setTimeout(open, AGAIN_MS);
  };
  const expect = () => {
    clearTimeout(watch);
    watch = setTimeout(again, SILENCE_MS);
  };
  source.addEventListener("pulse", (event) => {
    expect();
    tell({ online: true, pulse: JSON.parse(event.data) });
  });
  source.addEventListener("over", () => {
    source.close();
    location.assign("/desk/sign-in");
  });
  source.onerror = again;
  expect();
}
