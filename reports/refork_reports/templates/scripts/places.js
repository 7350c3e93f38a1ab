// Draws the cases and the trials that are open, and leads to what a link names.

// The filter says which variant alone is shown, and by case which groups of trials are.
const places = { lists: null, variant: "", fits: new Map() };

const showVariant = (item) => {
  for (const box of item.querySelectorAll("details.variant")) {
    box.hidden = Boolean(places.variant) && box.dataset.variant !== places.variant;
  }
};

const drawCase = (item) => {
  places.lists.fill(item);
  showVariant(item);
  for (const box of item.querySelectorAll("details.variant[open]:not([hidden]) .trials")) {
    places.lists.list(box, places.fits.get(item) || null);
  }
};

const drawOpen = () => {
  if (!places.lists) return;
  document.querySelectorAll("details.case[open]:not([hidden])").forEach(drawCase);
};

const openTo = (id) => {
  const head = document.getElementById(id.split("/").slice(0, 2).join("/"));
  const item = head && head.closest("details.case");
  if (item && item.hidden) setFilter(new URLSearchParams()); // a link is stronger than the filter
  if (item && places.lists) drawCase(item);
  const [, cell, number] = /^(.*)\/(\d+)$/.exec(id) || [];
  const box = cell && document.querySelector(`.trials[data-cell="${CSS.escape(cell)}"]`);
  if (box && places.lists && !document.getElementById(id)) {
    places.lists.list(box, places.fits.get(item) || null).openTrial(Number(number));
  }
  const target = document.getElementById(id) || document.getElementById(cell) || head;
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  drawOpen();
  target.scrollIntoView();
};

// An address is #anchor, #?wanted or #anchor?wanted.
const address = () => {
  const [anchor, wanted] = location.hash.slice(1).split(/\?(.*)/s);
  return { anchor: decoded(anchor), wanted };
};

// Functions that return, by name, what the address says of the page: the filter, and what is compared.
const addressParts = [];

const keepInAddress = (anchor = address().anchor) => {
  const wanted = new URLSearchParams(Object.assign({}, ...addressParts.map((part) => part()))).toString();
  history.replaceState(null, "", `#${encodeURI(anchor)}${wanted ? `?${wanted}` : ""}`);
};
