// Counts the minutes of an open emergency access down; without it the page says them as they were.
for (const text of document.querySelectorAll("[data-until]")) {
  const until = Date.parse(text.dataset.until);
  const show = () => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 60000));
    text.textContent = text.dataset.left.replace("%n", left);
  };
  show();
  setInterval(show, 15000);
}
