// Prints a result as it is drawn now: the form tells the server, which writes it down and sends the page back with #print.
const form = document.querySelector("[data-print]");
const deck = document.querySelector("[data-deck]");

form.addEventListener("submit", () => {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of new FormData(deck)) if (name !== "t") query.set(name, value);
  if (form.dataset.t) query.set("t", form.dataset.t);
  const address = new URL(form.action);
  address.search = query;
  form.action = address;
});

if (location.hash === "#print") {
  // the mark goes, so that the page loaded again, or kept as an address, prints nothing by itself
  history.replaceState(history.state, "", location.pathname + location.search);
  if (document.readyState === "complete") window.print();
  else addEventListener("load", () => window.print(), { once: true });
}
