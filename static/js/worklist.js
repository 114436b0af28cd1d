// The worklist by keyboard: a row is where its link has the focus; J and K go on, X ticks, Enter opens, R runs.
import { listen } from "./keys.js";

const form = document.querySelector("[data-select]");
const rows = form ? [...form.querySelectorAll("[data-row]")] : [];
const words = document.querySelector("[data-key-words]").dataset;
const at = () => rows.findIndex((row) => row.contains(document.activeElement));

function mark() {
  const now = at();
  rows.forEach((row, index) => row.classList.toggle("at", index === now));
}

function go(step) {
  if (!rows.length) return;
  const now = at();
  const next = now < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, now + step));
  const link = rows[next].querySelector("[data-open-row]");
  link.focus({ preventScroll: true });
  rows[next].scrollIntoView({ block: "nearest" });
}

function tick() {
  const row = rows[at()];
  row?.querySelector("[name=study]").click();
}

// Enter on a row does its one action; on a button or another link it stays what it is.
function open() {
  const row = rows[at()];
  if (!row || !document.activeElement.matches("[data-open-row]")) return false;
  row.querySelector("[data-act]").click();
  return true;
}

function run() {
  const button = form?.querySelector("[data-run]");
  if (!button) return;
  const row = rows[at()];
  if (button.disabled && row) tick();
  if (!button.disabled) button.click();
}

document.addEventListener("focusin", mark);
document.querySelector("[data-key-hints]")?.removeAttribute("hidden");
listen({
  j: [words.down, () => go(1)],
  k: [words.up, () => go(-1)],
  x: [words.select, tick],
  Enter: [words.open, open],
  r: [words.run, run],
  "/": [words.search, () => document.querySelector("[data-search]")?.focus()],
});
