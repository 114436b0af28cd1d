// Ticked rows: a count, one box for all, buttons that need a choice. Delegated, since polls swap the table.
function refresh(form) {
  const boxes = [...form.querySelectorAll("tbody input[type=checkbox]")];
  const whole = form.querySelector("[data-select-whole]:checked"); // also what other pages show
  const chosen = whole ? Number(whole.dataset.selectWhole) : boxes.filter((box) => box.checked).length;
  boxes.forEach((box) => box.closest("tr").classList.toggle("on", box.checked));
  form.querySelectorAll("[data-needs-selection]").forEach((button) => { button.disabled = chosen === 0; });
  form.querySelector(".bulk")?.classList.toggle("on", chosen > 0);
  const count = form.querySelector("[data-select-count]");
  if (count) count.textContent = chosen ? count.dataset.some.replace("%n", chosen) : count.dataset.none;
  const all = form.querySelector("[data-select-all]");
  if (all) {
    all.parentElement.hidden = false; // without this script it would do nothing
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-select]");
  if (!form) return;
  if (event.target.matches("[data-select-all]")) {
    form.querySelectorAll("tbody input[type=checkbox]").forEach((box) => { box.checked = event.target.checked; });
  }
  refresh(form);
});
const refreshAll = () => document.querySelectorAll("[data-select]").forEach(refresh);
document.body.addEventListener("htmx:afterSwap", refreshAll);
addEventListener("pageshow", refreshAll); // the browser may bring ticks back
refreshAll();
