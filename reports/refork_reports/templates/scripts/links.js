// Opens what a link or the address names, and shows it.

const openTo = (id) => {
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
};
const follow = () => openTo(decoded(location.hash.slice(1)));
addEventListener("hashchange", follow);
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) openTo(link.getAttribute("href").slice(1));
});
follow();
