// Small comforts of every page; each page works without them.
import { prefer } from "./prefer.js";

/** Show the buttons that need this script. */
function enable(scope) {
  for (const button of scope.querySelectorAll("[data-dismiss], [data-reveal]")) button.hidden = false;
  if (!navigator.clipboard) return; // only over HTTPS and on localhost
  for (const button of scope.querySelectorAll("[data-copy]")) button.hidden = false;
}

/** Say how long ago, in the reader's words; the exact time stays as the title. */
function tellAges(scope) {
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" });
  const steps = [[60, "second"], [3600, "minute", 60], [86400, "hour", 3600], [2592000, "day", 86400],
    [31536000, "month", 2592000], [Infinity, "year", 31536000]];
  for (const time of scope.querySelectorAll("time[data-ago]")) {
    const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
    const step = steps.find(([limit]) => Math.abs(seconds) < limit);
    if (!time.title) time.title = time.textContent.trim();
    time.textContent = words.format(Math.round(seconds / (step[2] || 1)), step[1]);
  }
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) if (menu !== except) menu.open = false;
}

function reveal(button) {
  const input = document.getElementById(button.dataset.reveal);
  const isShown = input.type === "password";
  input.type = isShown ? "text" : "password";
  button.textContent = isShown ? button.dataset.hide : button.dataset.show;
  button.setAttribute("aria-pressed", String(isShown));
}

async function copy(button) {
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.querySelector("[role=status]").textContent = button.dataset.done;
}

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details[data-menu]"));
  event.target.closest("[data-dismiss]")?.closest(".toast").remove();
  const button = event.target.closest("[data-reveal]");
  if (button) reveal(button);
  const copier = event.target.closest("[data-copy]");
  if (copier) copy(copier);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details[data-menu][open]");
  closeMenus();
  open?.querySelector("summary").focus();
});
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("[data-reveal][aria-pressed=true]")) reveal(button);
});
document.addEventListener("prefer", (event) => prefer(event.detail));
document.addEventListener("htmx:afterSwap", (event) => {
  enable(event.target);
  tellAges(event.target);
});

enable(document);
tellAges(document);
document.querySelector("[data-focus]")?.focus();
