// Leaves the cases and the trials that are asked for, and keeps what is asked for in the address.

const form = document.getElementById("filter");
const fields = {
  text: document.getElementById("filter-text"),
  verdict: document.getElementById("filter-verdict"),
  variant: document.getElementById("filter-variant"),
  scorer: document.getElementById("filter-scorer"),
};
const cases = [...document.querySelectorAll("details.case")].map((item) => ({
  item,
  anchor: item.dataset.case,
  name: item.dataset.name.toLowerCase(),
  verdicts: JSON.parse(item.dataset.verdicts), // by variant
  row: document.querySelector(`.matrix tr[data-case="${CSS.escape(item.dataset.case)}"]`),
}));

const offer = (field, names) => {
  for (const name of [...new Set(names)].sort()) field.append(make("option", { value: name }, name));
  field.parentElement.hidden = field.options.length < 3; // all of them, and one
};

const wantedNow = () => {
  const wanted = {};
  for (const [name, field] of Object.entries(fields)) if (field.value.trim()) wanted[name] = field.value.trim();
  return wanted;
};

// Returns what decides about a group of trials: by its scorer alone, and also by its words. None of both: null.
const groupTests = ({ text, scorer }) => {
  if (!places.lists || !(text || scorer)) return { byScorer: null, byBoth: null };
  const { strings } = places.lists.data;
  const plain = (words) => plainText(words).toLowerCase();
  const hits = text ? strings.map((words) => plain(words).includes(text.toLowerCase())) : [];
  const isHit = (part) => (Array.isArray(part) ? part.some(isHit) : hits[part] === true);
  const says = (group) =>
    isHit([group.said, group.body]) || group.trials.some((trial) => isHit(trial.scores));
  const fails = (group) =>
    group.trials.some((trial) =>
      trial.scores.some(([outcome, name]) => outcome !== "pass" && strings[name] === scorer),
    );
  const byScorer = scorer ? fails : null;
  const byBoth = text ? (group) => says(group) && (!scorer || fails(group)) : byScorer;
  return { byScorer, byBoth };
};

// Returns whether a case fits, and what decides about its trials.
const fitting = ({ anchor, name, verdicts, item }, { text, verdict, variant }, { byScorer, byBoth }) => {
  if (variant && !(variant in verdicts)) return [false, null];
  if (verdict && verdict !== (variant ? verdicts[variant] : item.dataset.verdict)) return [false, null];
  const fits = text && name.includes(text.toLowerCase()) ? byScorer : byBoth;
  if (!fits) return [!text || name.includes(text.toLowerCase()), null];
  const cells = places.lists.cellsOf(anchor).filter((cell) => !variant || cell.variant === variant);
  return [cells.some((cell) => cell.groups.some(fits)), fits];
};

const applyFilter = () => {
  const wanted = wantedNow();
  const tests = groupTests(wanted);
  let count = 0;
  places.variant = wanted.variant || "";
  for (const each of cases) {
    const [fits, groupFits] = fitting(each, wanted, tests);
    count += fits;
    each.item.hidden = !fits;
    if (each.row) each.row.hidden = !fits;
    places.fits.set(each.item, groupFits);
  }
  document.getElementById("filter-count").textContent =
    count === cases.length ? "" : `${count} of ${cases.length}`;
  drawOpen();
};

const setFilter = (wanted) => {
  for (const [name, field] of Object.entries(fields)) field.value = wanted.get(name) || "";
  applyFilter();
};

addressParts.push(wantedNow);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  applyFilter();
  keepInAddress();
});
form.hidden = cases.length < 2;
offer(
  fields.variant,
  cases.flatMap((each) => Object.keys(each.verdicts)),
);
