// Draws figures as inline SVG. What a chart shows stands in a text or a table beside it, too.

const percent = (share) => `${Math.round(100 * share)}%`;
const signed = (share) => {
  const rounded = Math.round(100 * share);
  const sign = rounded > 0 ? "+" : rounded < 0 ? "−" : "±";
  return `${sign}${Math.abs(rounded)}`;
};
const shortNumber = (value) =>
  Number(value.toPrecision(2)).toLocaleString("en", { maximumFractionDigits: 12 });

const axisLabel = (x, y, anchor, text, name = "chart-label") =>
  make("text", { x, y, "text-anchor": anchor, class: name }, text);

// Draws the interval of a difference on a line from −100 to +100 points, with the band within the margin.
const intervalChart = (width, { difference, low, high }, margin, said) => {
  const [edge, middle] = [14, 24];
  const at = (share) => edge + ((share + 1) / 2) * (width - 2 * edge);
  const marks = [-1, -0.5, 0, 0.5, 1].map((share) => [
    make("line", { class: share ? "chart-grid" : "chart-zero", x1: at(share), x2: at(share), y1: 6, y2: 42 }),
    axisLabel(at(share), 58, share === -1 ? "start" : share === 1 ? "end" : "middle", share ? signed(share) : "0"),
  ]);
  return make(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} 64`, width, height: 64, role: "img", "aria-label": said },
    make("rect", { class: "chart-band", x: at(-margin), width: at(margin) - at(-margin), y: 6, height: 36 }),
    marks.flat(),
    make("path", {
      class: "chart-interval",
      d: `M${at(low)} ${middle}H${at(high)}M${at(low)} 17V31M${at(high)} 17V31`,
    }),
    make("circle", { class: "chart-dot", cx: at(difference), cy: middle, r: 5 }),
  );
};

// Moves labels apart that would stand on one another: each at least a line below the one above.
const spreadOut = (spots, bottom) => {
  const sorted = [...spots].sort((one, other) => one.y - other.y);
  sorted.forEach((spot, place) => {
    spot.textY = Math.max(spot.y + 4, place ? sorted[place - 1].textY + 14 : 0);
  });
  const over = sorted.length ? sorted.at(-1).textY - bottom : 0;
  if (over > 0) for (const spot of sorted) spot.textY -= over;
};

// Draws rows with `value` and `rate` as named dots; `chosen` ones stand out. `shown` puts a value into words.
const scatterChart = (width, rows, shown, said) => {
  const [left, right, top, bottom] = [44, width - 12, 12, 224];
  const most = Math.max(...rows.map((row) => row.value)) * 1.1 || 1;
  const x = (value) => left + (value / most) * (right - left);
  const y = (rate) => bottom - rate * (bottom - top);
  const grid = [0, 0.5, 1].flatMap((share) => [
    make("line", { class: "chart-grid", x1: left, x2: right, y1: y(share), y2: y(share) }),
    axisLabel(left - 6, y(share) + 4, "end", percent(share)),
    axisLabel(x(share * most), bottom + 20, share ? (share === 1 ? "end" : "middle") : "start", shown(share * most)),
  ]);
  const spots = rows.map((row) => ({ row, x: x(row.value), y: y(row.rate) }));
  spreadOut(spots, bottom - 4);
  const dots = spots.flatMap(({ row, x: cx, y: cy, textY }) => {
    const isRight = cx > (left + right) / 2;
    const name = row.chosen ? "chart-dot" : "chart-dot is-other";
    return [
      make("circle", { class: name, cx, cy, r: row.chosen ? 5 : 4 }),
      axisLabel(cx + (isRight ? -10 : 10), textY, isRight ? "end" : "start", row.name, "chart-name"),
    ];
  });
  return make(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} 252`, width, height: 252, role: "img", "aria-label": said },
    grid,
    dots,
  );
};
