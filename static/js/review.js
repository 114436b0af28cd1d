// The decision on the result page: its keys, and the threshold that an edit would keep.
const form = document.querySelector("[data-review]");

/** The form carries the threshold that is on the screen; only an edit reads it, and Accept says so. */
export function followThreshold(t, isPreview) {
  if (!form) return;
  form.elements.threshold.value = t;
  const said = t.toLocaleString(document.documentElement.lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  for (const place of form.querySelectorAll("[data-review-threshold]")) place.textContent = said;
  form.querySelector("[data-kept]").hidden = !isPreview;
}

/** A, E and X choose, and saving stays a step of its own; S opens the page where one signs. */
export function decisionKeys() {
  const sign = document.querySelector("[data-sign]");
  const choose = (value) => () => {
    form.closest("details")?.setAttribute("open", "");
    const radio = form.querySelector(`[name=decision][value=${value}]`);
    radio.checked = true;
    radio.focus();
  };
  return {
    ...(form ? { a: ["Accept", choose("accepted")], e: ["Edit: keep this threshold", choose("edited")], x: ["Reject", choose("rejected")] } : {}),
    ...(sign ? { s: ["Sign", () => sign.click()] } : {}),
  };
}

// On a phone the choices stand below everything: what a choice asks next is brought into sight.
form?.addEventListener("change", ({ target }) => {
  if (target.name === "decision" && matchMedia("(max-width: 860px)").matches) form.closest("section").scrollIntoView();
});

// Painting begins with what is on the screen: its threshold, plane and slice.
document.querySelector("[data-paint]")?.addEventListener("click", ({ currentTarget }) => {
  const here = new URLSearchParams(location.search), there = new URL(currentTarget.href);
  there.searchParams.set("t", form.elements.threshold.value);
  for (const name of ["plane", "slice"]) if (here.has(name)) there.searchParams.set(name, here.get(name));
  currentTarget.href = there;
});

// The numbers on the screen as words of the reader's own, on asking only.
const insert = document.querySelector("[data-insert]");
if (insert) {
  insert.hidden = false;
  insert.addEventListener("click", () => {
    const words = ["area_text", "average_intensity", "circularity"].map((name) => {
      const row = document.querySelector(`[data-m=${name}]`).closest("tr");
      const [label, value, of] = [...row.cells].map((cell) => cell.textContent.trim());
      return name === "area_text" ? `${label} ${value} (${of})` : `${label} ${value}`;
    });
    const field = form.elements.comment;
    field.value += `${field.value && !field.value.endsWith("\n") ? "\n" : ""}${words.join("; ")}.`;
    field.focus();
  });
}
