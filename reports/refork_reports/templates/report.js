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
  const follow = () => openTo(decodeURIComponent(location.hash.slice(1)));
  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link) openTo(link.getAttribute("href").slice(1));
  });
  follow();

  const form = document.getElementById("filter");
  const text = document.getElementById("filter-text");
  const verdict = document.getElementById("filter-verdict");
  const cases = [...document.querySelectorAll("details.case")];
  const filter = () => {
    const wanted = text.value.trim().toLowerCase();
    let count = 0;
    for (const item of cases) {
      const fits =
        item.dataset.name.toLowerCase().includes(wanted) &&
        (!verdict.value || item.dataset.verdict === verdict.value);
      count += fits;
      item.hidden = !fits;
      const row = document.querySelector(`tr[data-case="${item.dataset.case}"]`);
      if (row) row.hidden = !fits;
    }
    document.getElementById("filter-count").textContent =
      count === cases.length ? "" : `${count} of ${cases.length}`;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  form.hidden = cases.length < 2;

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details.case:not([open]), details[data-print]:not([open])")];
    for (const item of closed) item.open = true;
  });
  addEventListener("afterprint", () => {
    for (const item of closed) item.open = false;
  });
})();
