// Compares two variants that the reader chooses, over all cases or in one. What is chosen stands in the address.

const compareBox = document.getElementById("compare");
const compareFields = Object.fromEntries(
  ["left", "right", "case", "axis"].map((name) => [name, document.getElementById(`compare-${name}`)]),
);
const AXES = {
  cost: { kind: "cost", title: "Cost of a trial", shown: (value) => `$${shortNumber(value)}` },
  time: { kind: "seconds", title: "Time of a trial", shown: (value) => `${shortNumber(value)} s` },
};
let comparing = null;

const chosen = () =>
  Object.fromEntries(Object.entries(compareFields).map(([name, field]) => [name, field.value]));

const compareLink = (changes) => {
  const wanted = new URLSearchParams(location.hash.split(/\?(.*)/s)[1] || "");
  for (const [name, value] of Object.entries({ ...chosen(), ...changes })) wanted.set(name, value);
  return `#compare?${wanted}`;
};

const tableOf = (title, heads, rows) =>
  make(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": title },
    make(
      "table",
      { class: "compared" },
      make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col", dir: "auto" }, head)))),
      make(
        "tbody",
        {},
        rows.map(([first, ...others]) =>
          make(
            "tr",
            {},
            make("th", { scope: "row", dir: "auto" }, first),
            others.map((text) => make("td", { dir: "auto" }, text)),
          ),
        ),
      ),
    ),
  );

const block = (title, ...children) =>
  make("section", { class: "part" }, make("h3", { dir: "auto" }, title), ...children);

const wide = () => Math.min(640, Math.max(260, document.getElementById("compare-result").clientWidth));

const summaryOf = (found, left, right, where) => {
  const said = `${conclusion(found, comparing.margin, left, right)}: ${inPoints(found)}, ${where}.`;
  const margin = Math.round(100 * comparing.margin);
  return [
    make("p", { class: "compare-said", dir: "auto", role: "status" }, said),
    intervalChart(wide(), found, comparing.margin, said),
    make(
      "p",
      { class: "quiet small" },
      `Points are percentage points of the pass rate, to the right where ${right} passes more often. The band is ` +
        `the margin of ±${margin} points: an interval within it rules out a larger difference. The interval is of ` +
        "this pair alone; of many pairs that do not differ, some seem to.",
    ),
  ];
};

const flipList = (title, rows) =>
  block(
    `${title}: ${rows.length || "none"}`,
    make(
      "ul",
      { class: "flips" },
      rows.map((row) => make("li", {}, make("a", { href: compareLink({ case: row.of }), dir: "auto" }, row.name))),
    ),
  );

const flipsOf = (rows, left, right) => {
  const flipped = (from, to) => rows.filter((row) => row.left.isGood === from && row.right.isGood === to);
  return [
    make(
      "div",
      { class: "two-sides" },
      flipList(`Pass under ${left}, fail under ${right}`, flipped(true, false)),
      flipList(`Fail under ${left}, pass under ${right}`, flipped(false, true)),
    ),
    make("p", { class: "quiet small" }, "A case flips by its verdict; an inconclusive one does not flip."),
  ];
};

const MOST_ROWS = 100;

const caseTable = (rows, left, right) => {
  const rate = (cell) => `${cell.passes} of ${cell.measured}`;
  const lines = rows
    .slice(0, MOST_ROWS)
    .map((row) => [
      make("a", { href: compareLink({ case: row.of }) }, row.name),
      rate(row.left),
      rate(row.right),
      inPoints(row.found).replace("95% interval ", ""),
    ]);
  const heads = ["Case", `${left} passes`, `${right} passes`, "difference (95% interval)"];
  const more = rows.length - lines.length;
  const left_out = more > 0 ? [make("p", { class: "quiet small" }, `${more} more, which differ less.`)] : [];
  return block("Case by case", tableOf("Case by case", heads, lines), ...left_out);
};

const scatterOf = (cases, { left, right, axis }) => {
  const { kind, title, shown } = AXES[axis] || AXES.cost;
  const rows = comparing.means(cases, kind).map((row) => ({ ...row, chosen: [left, right].includes(row.name) }));
  const known = rows.filter((row) => row.value !== null);
  const lines = rows.map((row) => [row.name, percent(row.rate), row.value === null ? "not known" : shown(row.value)]);
  const where = cases.length === 1 ? "in this case" : `mean of ${cases.length} cases, each counted the same`;
  const chart = known.length ? [scatterChart(wide(), known, shown, `${title} by pass rate, as the table says`)] : [];
  return block(
    `${title}, and how often it passes`,
    make("p", { class: "quiet small" }, `${where}; variants that were not measured there are left out`),
    ...chart,
    tableOf(title, ["Variant", "pass rate", title.toLowerCase()], lines),
  );
};

const sideOf = (of, name, [passes, trials]) => {
  const cell = comparing.cellOf(of, name);
  const box = make("div", { class: "side-trials", "data-cell": cell.anchor, "data-twin": "" });
  places.lists.list(box, null);
  const link = make("a", { href: `#${cell.anchor}`, dir: "auto" }, name);
  return make("section", { class: "side" }, make("h4", {}, link, ` ${passes} of ${trials} compared trials pass`), box);
};

const ofOneCase = ({ left, right, case: of }, found) => [
  make(
    "p",
    { class: "quiet small" },
    "Trials do not pair: each is an answer of its own, and trial 3 of one has no more in common with trial 3 of the " +
      "other than with any. So shares are compared, and not trial by trial.",
  ),
  block(
    "Outputs side by side, failures first",
    make(
      "div",
      { class: "two-sides" },
      sideOf(of, left, found.passed[0]),
      sideOf(of, right, found.passed[1]),
    ),
  ),
];

const ofAllCases = ({ left, right }, rows) => [...flipsOf(rows, left, right), caseTable(rows, left, right)];

const drawCompared = () => {
  const wanted = chosen();
  const { left, right, case: of } = wanted;
  const result = document.getElementById("compare-result");
  const found = comparing.difference(left, right, of);
  if (!found) {
    const same = left === right ? "Choose two variants that differ." : "These two were not both measured there.";
    result.replaceChildren(make("p", { class: "quiet" }, same));
    return;
  }
  const rows = of ? [] : comparing.rows(left, right);
  const where = of ? "in this case" : `on ${countOf(found.count, "case")} that both were measured on`;
  result.replaceChildren(
    ...summaryOf(found, left, right, where),
    ...(of ? ofOneCase(wanted, found) : ofAllCases(wanted, rows)),
    scatterOf(of ? [of] : rows.map((row) => row.of), wanted),
  );
};

// Takes over what an address wants; what it does not name stays.
const setCompared = (wanted) => {
  if (!comparing) return;
  for (const [name, field] of Object.entries(compareFields)) {
    const value = wanted.get(name);
    if (value !== null && [...field.options].some((option) => option.value === value)) field.value = value;
  }
  if (compareBox.open) drawCompared();
};

const startComparing = (data) => {
  if (!compareBox || data.variants.length < 2) return;
  const namesOfCases = new Map(cases.map((each) => [each.anchor, each.item.dataset.name]));
  comparing = comparisons(data, namesOfCases);
  for (const side of ["left", "right"]) {
    compareFields[side].append(...comparing.names.map((name) => make("option", { value: name }, name)));
  }
  compareFields.right.selectedIndex = 1;
  addressParts.push(() => (compareBox.open ? chosen() : {}));
  const changed = () => {
    drawCompared();
    keepInAddress("compare");
  };
  document.getElementById("compare-form").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("compare-form").addEventListener("input", changed);
  document.getElementById("compare-swap").addEventListener("click", () => {
    const { left, right } = chosen();
    [compareFields.left.value, compareFields.right.value] = [right, left];
    changed();
  });
  compareBox.addEventListener("toggle", () => {
    if (compareBox.open) drawCompared();
  });
  document.getElementById("compare-section").hidden = false;
};
