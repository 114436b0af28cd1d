// Weights as shares of 100 %, while they are typed; the server computes the same again.
const form = document.querySelector("[data-run]");

function shares() {
  const rows = [...form.querySelectorAll("[data-member]")].map((row) => {
    const on = row.querySelector("input[type=checkbox]").checked;
    const weight = Number(row.querySelector(".weight").value);
    return { cell: row.querySelector("[data-share]"), weight: on && weight > 0 ? weight : 0, on };
  });
  const total = rows.reduce((sum, row) => sum + row.weight, 0);
  for (const row of rows) {
    row.cell.textContent = row.on && total ? `${((100 * row.weight) / total).toFixed(1)} %` : "—";
  }
}

if (form) {
  form.addEventListener("input", shares);
  shares();
}
document.querySelector("[data-autosubmit]")?.addEventListener("change", (event) => event.target.form.requestSubmit());
