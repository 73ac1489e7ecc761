// What the page says stands in the document, not here.

const all = new Map(
  [...document.querySelectorAll("[data-word]")].map((one) => [one.dataset.word, one.textContent]),
);

export function word(name, values = {}) {
  return all.get(name).replace(/\{(\w+)\}/g, (_, key) => values[key]);
}
