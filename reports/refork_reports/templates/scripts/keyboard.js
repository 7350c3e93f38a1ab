// "/" goes to the filter, "j" to the next case and "k" to the one before.

const stepTo = (by) => {
  const heads = cases.filter((each) => !each.item.hidden).map((each) => each.item.querySelector("summary"));
  const at = heads.findIndex((head) => head.parentElement.contains(document.activeElement));
  const next = at < 0 ? heads[0] : heads[at + by];
  if (next) next.focus();
};
const keys = {
  "/": () => fields.text.focus(),
  j: () => stepTo(1),
  k: () => stepTo(-1),
};
addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
  event.preventDefault(); // "/" would be typed into the field that it leads to
  keys[event.key]();
});
