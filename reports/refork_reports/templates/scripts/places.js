// Opens what a link leads to, and draws the trials of what is open.

const SHOWN = "details.case[open]:not([hidden]) details.variant[open]:not([hidden]) .trials";

const places = { lists: null, fits: null };

const drawOpen = (within = document) => {
  if (!places.lists) return;
  for (const box of within.querySelectorAll(SHOWN)) places.lists.list(box, places.fits);
};

const openTo = (id) => {
  if (!id) return;
  const trial = /^(.*)\/(\d+)$/.exec(id);
  let target = document.getElementById(id);
  if (!target && trial && places.lists) {
    const box = document.querySelector(`.trials[data-cell="${CSS.escape(trial[1])}"]`);
    if (box) places.lists.list(box, places.fits).openTrial(Number(trial[2]));
    target = document.getElementById(id) || document.getElementById(trial[1]);
  }
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  drawOpen();
  target.scrollIntoView();
};

// An address is #anchor, #?filter or #anchor?filter.
const address = () => {
  const [anchor, wanted = ""] = location.hash.slice(1).split(/\?(.*)/s);
  return { anchor: decodeURIComponent(anchor), wanted };
};

const follow = () => openTo(address().anchor);
addEventListener("hashchange", follow);
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) openTo(link.getAttribute("href").slice(1));
});
document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.matches("details.case, details.variant")) drawOpen(event.target);
  },
  true, // a toggle does not bubble
);
follow();
readTrials().then((data) => {
  places.lists = trialLists(data);
  drawOpen();
  follow();
});
