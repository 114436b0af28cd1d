// Ticked rows: a count, one box for all, buttons that need a choice. Delegated, since polls swap the table.
// Where a form says `data-kept`, the choice outlives sort, page and reload: opaque ids in this tab's storage, nothing else.
const kept = (form) => (form.dataset.kept ? new Set(JSON.parse(sessionStorage.getItem(`chosen-${form.dataset.kept}`) || "[]")) : null);
const boxesOf = (form) => [...form.querySelectorAll("tbody input[type=checkbox]")];

function keep(form, chosen) {
  sessionStorage.setItem(`chosen-${form.dataset.kept}`, JSON.stringify([...chosen]));
}

function remember(form) {
  const chosen = kept(form);
  if (!chosen) return;
  for (const box of boxesOf(form)) chosen[box.checked ? "add" : "delete"](box.value);
  keep(form, chosen);
}

// What was ticked on other pages goes along, unseen; the server asks anew what is theirs.
function elsewhere(form) {
  const chosen = kept(form);
  if (!chosen) return 0;
  const here = new Set(boxesOf(form).map((box) => box.value));
  form.querySelectorAll("[data-elsewhere]").forEach((field) => field.remove());
  const others = [...chosen].filter((value) => !here.has(value));
  form.append(...others.map((value) => {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: boxesOf(form)[0].name, value });
    field.dataset.elsewhere = "";
    return field;
  }));
  return others.length;
}

function refresh(form) {
  const boxes = boxesOf(form);
  const whole = form.querySelector("[data-select-whole]:checked"); // also what other pages show
  const here = boxes.filter((box) => box.checked).length;
  const chosen = whole ? Number(whole.dataset.selectWhole) : here + elsewhere(form);
  boxes.forEach((box) => box.closest("tr").classList.toggle("on", box.checked || Boolean(whole)));
  form.querySelectorAll("[data-needs-selection]").forEach((button) => { button.disabled = chosen === 0; });
  form.querySelector(".bulk")?.classList.toggle("on", chosen > 0);
  const count = form.querySelector("[data-select-count]");
  if (count) count.textContent = chosen ? count.dataset.some.replace("%n", chosen) : count.dataset.none;
  const none = form.querySelector("[data-select-none]");
  if (none) none.hidden = chosen === 0;
  const all = form.querySelector("[data-select-all]");
  if (all) {
    all.parentElement.hidden = false; // without this script it would do nothing
    all.checked = here > 0 && here === boxes.length;
    all.indeterminate = here > 0 && here < boxes.length;
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-select]");
  if (!form) return;
  if (event.target.matches("[data-select-all]")) {
    boxesOf(form).forEach((box) => { box.checked = event.target.checked; });
  }
  remember(form);
  refresh(form);
});
document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-select-none]")?.closest("[data-select]");
  if (!form) return;
  if (form.dataset.kept) keep(form, []);
  for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = false;
  refresh(form);
});
function recall(form) {
  const chosen = kept(form);
  if (chosen) boxesOf(form).forEach((box) => { box.checked = chosen.has(box.value); });
  refresh(form);
}
document.body.addEventListener("htmx:afterSwap", () => document.querySelectorAll("[data-select]").forEach(refresh));
addEventListener("pageshow", () => document.querySelectorAll("[data-select]").forEach(recall)); // the browser may bring ticks back
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-kept]");
  if (form) setTimeout(() => keep(form, []), 0); // done with: the next choice starts empty
});
document.querySelectorAll("[data-select]").forEach(recall);
