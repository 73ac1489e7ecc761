// Shows a ready reply as a parent would read it, while it is written.

const place = document.querySelector("#replies");
const example = JSON.parse(place.dataset.example);
const PART = /\{\{|\}\}|\{(\w+)\}/g;

// What is not known stays as it is written; the server refuses it.
const filled = (text) =>
  text.replace(PART, (part, name) => (name === undefined ? part[0] : Object.hasOwn(example, name) ? example[name] : part));

place.addEventListener("input", ({ target }) => {
  if (target.name === "text") target.form.querySelector("[data-preview]").textContent = filled(target.value);
});
