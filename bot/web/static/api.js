// The server's answers: { ok, status, data, pause } – status 0 if there was none.

const HEADERS = { "X-Youxiang": "1" };
const PATIENCE_MS = 15_000;

export async function get(path) {
  return await call(path, { method: "GET" });
}

export async function post(path, body) {
  const headers = { ...HEADERS, "Content-Type": "application/json" };
  return await call(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function call(path, options) {
  let response;
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    response = await fetch(path, { ...options, signal, credentials: "same-origin" });
    const text = await response.text();
    return answer(response.status, text, response.headers.get("Retry-After"));
  } catch {
    return answer(0, "", null);
  }
}

// Sends files; onProgress is told the share that has left, 0 to 1.
export function upload(path, files, onProgress) {
  return new Promise((resolve) => {
    const form = new FormData();
    for (const file of files) form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onload = () => {
      resolve(answer(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    request.onerror = request.onabort = request.ontimeout = () => resolve(answer(0, "", null));
    request.open("POST", path);
    for (const [name, value] of Object.entries(HEADERS)) request.setRequestHeader(name, value);
    request.send(form);
  });
}

function answer(status, text, pause) {
  let data = {};
  try {
    data = text ? JSON.parse(text) : {};
  } catch {
    // A proxy's page in place of our answer.
    status = status < 400 ? 0 : status;
  }
  return { ok: status >= 200 && status < 300, status, data, pause: Number(pause) || 0 };
}
