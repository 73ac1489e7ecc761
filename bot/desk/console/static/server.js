// Asks the server: { ok, status, data }; status 0 if there was no answer.

const PATIENCE_MS = 20_000;

export const csrf = () => document.querySelector("meta[name=csrf]")?.content ?? "";

export async function get(path) {
  return await call(path, { method: "GET" });
}

// form: a FormData; the token is added.
export async function post(path, form) {
  form.set("csrf", csrf());
  return await call(path, { method: "POST", body: form });
}

async function call(path, options) {
  try {
    const response = await fetch(path, {
      ...options,
      headers: { "X-Youxiang": "1" },
      signal: AbortSignal.timeout(PATIENCE_MS),
      credentials: "same-origin",
    });
    const kind = response.headers.get("Content-Type") ?? "";
    const data = kind.includes("json") ? await response.json() : { html: await response.text() };
    if (response.status === 401 && data.to) location.assign(data.to);
    return { ok: response.ok, status: response.status, data };
  } catch {
    return { ok: false, status: 0, data: { error: "没有连上服务器，内容还在，请再试一次。" } };
  }
}

// Our own templates, in which every value is escaped.
export function elements(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
}
