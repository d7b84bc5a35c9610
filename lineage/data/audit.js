"use strict";
// Filters the models; the page has all its content without this.
(() => {
  const form = document.getElementById("filter");
  const models = [...document.querySelectorAll("details.model")];
  if (!form || !models.length) return;
  const [text, grade, shown] = ["words", "grade", "shown"].map((id) => document.getElementById(id));
  const content = new Map(models.map((model) => [model, model.textContent.toLowerCase()]));
  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const model of models) {
      const fits = (!grade.value || model.classList.contains(grade.value))
        && words.every((word) => content.get(model).includes(word));
      model.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${models.length} shown`;
  };
  const open = (all) => models.forEach((model) => { if (!model.hidden) model.open = all; });
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("open").addEventListener("click", () => open(true));
  document.getElementById("close").addEventListener("click", () => open(false));
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
  filter();
})();
