// Follows the address, and draws once the data of the page is there.

const follow = () => {
  const { anchor, wanted } = address();
  if (wanted !== undefined) {
    setFilter(new URLSearchParams(wanted));
    setCompared(new URLSearchParams(wanted));
  }
  if (anchor) openTo(anchor);
};
addEventListener("hashchange", follow);
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const place = link ? link.getAttribute("href").slice(1) : "?";
  if (!place.includes("?")) openTo(place); // what an address wants beside a place is followed by hashchange
});
document.addEventListener(
  "toggle",
  (event) => {
    const item = event.target.matches("details.case, details.variant") && event.target.closest("details.case");
    if (item && item.open && places.lists) drawCase(item);
  },
  true, // a toggle does not bubble
);
follow();
readData().then((data) => {
  places.lists = trialLists(data);
  offer(fields.scorer, places.lists.scorers());
  applyFilter();
  startComparing(data);
  follow();
});
