// Second factors: buttons that need a script, and what went wrong with a key, in words.

for (const button of document.querySelectorAll("[data-needs-script]")) button.hidden = false;

/** allauth's scripts tell by an event what the browser refused; show it beside the button. */
document.addEventListener("allauth.error", (event) => {
  const place = document.querySelector("[data-key-problem]");
  if (!place) return;
  event.preventDefault();
  const name = event.detail.exception?.name;
  place.textContent = { NotAllowedError: place.dataset.denied, AbortError: place.dataset.denied,
    InvalidStateError: place.dataset.known }[name] || place.dataset.other;
  place.hidden = false;
});

document.addEventListener("click", async (event) => {
  if (event.target.closest("[data-print]")) window.print();
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  const lines = [...document.getElementById(copy.dataset.copy).children].map((one) => one.textContent);
  await navigator.clipboard.writeText(lines.join("\n"));
  copy.querySelector("span").textContent = copy.dataset.done;
});
