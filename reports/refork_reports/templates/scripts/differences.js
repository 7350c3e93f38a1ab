// Looks up how two variants differ, over all cases and in one, and says it in words.

const comparisons = (data, namesOfCases) => {
  const plain = (place) => plainText(data.strings[place]);
  const names = data.variants.map(plain);
  const cells = new Map(); // by case, then by variant
  for (const [anchor, cell] of Object.entries(data.cells)) {
    const [passes, measured, cost, seconds, isGood] = cell.figures;
    const of = anchor.split("/").slice(0, 2).join("/");
    if (!cells.has(of)) cells.set(of, new Map());
    cells.get(of).set(plain(cell.variant), { anchor, passes, measured, cost, seconds, isGood });
  }

  // Returns the difference of two variants in a case, or over all cases if `of` is empty; null if there is none.
  const difference = (left, right, of) => {
    const [one, other] = [names.indexOf(left), names.indexOf(right)];
    const isTurned = one > other;
    const [from, to] = isTurned ? [other, one] : [one, other];
    const found = (data.pairs[of] || []).find((pair) => pair[0] === from && pair[1] === to);
    if (!found) return null;
    const [, , count, middle, low, high, ...passed] = found;
    const sides = [passed.slice(0, 2), passed.slice(2)];
    if (!isTurned) return { count, difference: middle, low, high, passed: sides };
    return { count, difference: -middle, low: -high, high: -low, passed: sides.reverse() };
  };

  // Returns the cases that both were measured on, those that differ most first.
  const rows = (left, right) =>
    [...cells]
      .map(([of, own]) => ({
        of,
        name: namesOfCases.get(of),
        left: own.get(left),
        right: own.get(right),
        found: difference(left, right, of),
      }))
      .filter(({ found }) => found)
      .sort((one, other) => Math.abs(other.found.difference) - Math.abs(one.found.difference));

  // Returns the means of each variant that was measured on all of these cases. `kind` is cost or seconds.
  const means = (cases, kind) => {
    const mean = (values) =>
      values.includes(null) ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
    return names
      .map((name) => ({ name, own: cases.map((of) => cells.get(of).get(name)) }))
      .filter(({ own }) => own.every((cell) => cell && cell.measured))
      .map(({ name, own }) => ({
        name,
        rate: mean(own.map((cell) => cell.passes / cell.measured)),
        value: mean(own.map((cell) => cell[kind])),
      }));
  };

  return { names, margin: data.margin, difference, rows, means, cellOf: (of, name) => cells.get(of)?.get(name) };
};

const countOf = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

const inPoints = ({ difference, low, high }) =>
  `${signed(difference)} points (95% interval ${signed(low)} to ${signed(high)} points)`;

// Says what the interval shows.
const conclusion = ({ low, high }, margin, left, right) => {
  if (low > 0) return `${right} passes more often than ${left}`;
  if (high < 0) return `${right} passes less often than ${left}`;
  if (low > -margin && high < margin) {
    return `${right} and ${left} differ by less than ${Math.round(100 * margin)} points, either way`;
  }
  return `The trials do not show whether ${right} or ${left} passes more often`;
};
