// A choice made on a page is kept with the account at once: theme, colours, keys.
export function prefer(choice) {
  const address = document.documentElement.dataset.account;
  if (!address) return; // nobody is signed in: the choice is this browser's
  const headers = { "X-CSRFToken": document.querySelector("meta[name=csrf]").content };
  fetch(address, { method: "POST", headers, body: new URLSearchParams(choice), keepalive: true }).catch(() => {
    // the network is away: the choice lasts as long as this page
  });
}
