// Texts become nodes, never HTML; addresses and telephone numbers in them can be tapped.

const FOUND = new RegExp(
  [
    String.raw`(?<url>https?:\/\/[\w\-.~:\/?#\[\]@!$&'()*+,;=%]+)`,
    String.raw`(?<phone>(?<![\w\-])(?:0\d{2,3}-\d{7,8}|400-?\d{3}-?\d{4}|1[3-9]\d{9})(?![\w\-]))`,
    String.raw`(?<=[拨打叫][打]?\s?)(?<emergency>120)(?!\d)`,
  ].join("|"),
  "gu",
);

export function nodesOf(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(FOUND)) {
    const { url, phone, emergency } = match.groups;
    const said = url ? url.replace(/[.,;:!?'()]+$/u, "") : match[0];
    const link = url ? webLink(said) : phoneLink(phone ?? emergency);
    if (!link) continue;
    nodes.push(text.slice(end, match.index), link);
    end = match.index + said.length;
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== "");
}

// An address that may be opened, or null: nothing but http and https.
export function safeUrl(address) {
  let url;
  try {
    url = new URL(address, location.href);
  } catch {
    return null;
  }
  return url.protocol === "https:" || url.protocol === "http:" ? url : null;
}

export function webLink(address, title = address) {
  const url = safeUrl(address);
  if (!url) return null;
  const link = document.createElement("a");
  link.href = url.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.textContent = title;
  return link;
}

function phoneLink(number) {
  const link = document.createElement("a");
  link.href = `tel:${number.replace(/-/g, "")}`;
  link.textContent = number;
  return link;
}
