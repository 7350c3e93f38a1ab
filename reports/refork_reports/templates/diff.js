"use strict";
(() => {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  const stored = (value) => {
    try {
      if (value) localStorage.setItem("refork-theme", value);
      return localStorage.getItem("refork-theme");
    } catch {
      return null; // storage is refused to some local files
    }
  };
  const shown = () => root.dataset.theme || (prefersDark.matches ? "dark" : "light");
  const other = () => (shown() === "dark" ? "light" : "dark");
  const label = () => {
    theme.textContent = other() === "dark" ? "Dark" : "Light";
    theme.setAttribute("aria-label", `Show the page ${other()}`);
  };
  const kept = stored();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  theme.addEventListener("click", () => {
    root.dataset.theme = other();
    stored(root.dataset.theme);
    label();
  });
  prefersDark.addEventListener("change", label);
  label();
  theme.hidden = false;

  const openTo = (id) => {
    const target = id && document.getElementById(id);
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };
  // An address that was broken on its way leads nowhere.
  const decoded = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const follow = () => openTo(decoded(location.hash.slice(1)));
  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link) openTo(link.getAttribute("href").slice(1));
  });
  follow();
})();
