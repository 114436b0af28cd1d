// Weights as shares of 100 %, while they are typed; the server computes the same again.
const form = document.querySelector("[data-run]");

function shares() {
  const rows = [...form.querySelectorAll("[data-member]")].map((row) => {
    const on = row.querySelector("input[type=checkbox]").checked;
    const weight = Number(row.querySelector(".weight").value);
    return { row, weight: on && weight > 0 ? weight : 0, on };
  });
  const total = rows.reduce((sum, one) => sum + one.weight, 0);
  for (const { row, weight, on } of rows) {
    const share = total ? (100 * weight) / total : 0;
    row.querySelector("[data-share]").textContent = on && total ? `${share.toLocaleString(document.documentElement.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} %` : "—";
    row.querySelector("[data-share-bar]").value = share;
  }
}

// One task runs at a time: while a model is chosen, those of other tasks wait. The server says the same.
function tasks() {
  const rows = [...form.querySelectorAll("[data-member]")].map((row) => ({ row, box: row.querySelector("input[type=checkbox]") }));
  const chosen = rows.find(({ box }) => box.checked)?.row.dataset.task;
  for (const { row, box } of rows) {
    if (row.classList.contains("off")) continue;
    const waits = chosen !== undefined && row.dataset.task !== chosen;
    row.classList.toggle("waits", waits);
    box.disabled = waits;
  }
  const staple = form.elements.fusion?.querySelector("[value=staple]");
  if (staple) staple.disabled = chosen !== undefined && chosen !== "segmentation";
}

if (form) {
  form.addEventListener("input", tasks);
  tasks();
  form.addEventListener("input", shares);
  addEventListener("pageshow", shares);
  shares();
}
document.querySelector("[data-autosubmit]")?.addEventListener("change", (event) => event.target.form.requestSubmit());
