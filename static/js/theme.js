// The chosen theme, before the first paint; without a choice the system's stands.
// Of the signed-in the server has written it into <html>; of others this browser keeps it, under
// the key of Django's admin, which reads it there: so one choice holds for the whole site.
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const isKnown = "account" in root.dataset;
  const keep = (theme) => {
    try {
      if (theme) localStorage.setItem(KEY, theme);
      else localStorage.removeItem(KEY);
    } catch {
      return; // storage is closed to us: the choice lasts as long as this page
    }
  };
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is closed to us: the system's choice stands
    }
  };
  if (isKnown) keep(root.dataset.theme);
  else if (["dark", "light"].includes(stored())) root.dataset.theme = stored();

  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const show = () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(isDark()));
    }
  };
  document.addEventListener("DOMContentLoaded", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const theme = isDark() ? "light" : "dark";
    root.dataset.theme = theme;
    show();
    keep(theme);
    document.dispatchEvent(new CustomEvent("prefer", { detail: { theme } }));
    for (const radio of document.querySelectorAll(`input[name=theme][value=${theme}]`)) radio.checked = true;
  });
})();
