// The chosen theme, before the first paint; without a choice the system's stands.
// The key is that of Django's admin, so that one choice holds for the whole site.
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is closed to us: the system's choice stands
    }
  };
  const chosen = stored();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

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
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
    try {
      localStorage.setItem(KEY, root.dataset.theme);
    } catch {
      return; // the choice lasts as long as this page
    }
  });
})();
