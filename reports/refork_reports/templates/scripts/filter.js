// Leaves the cases that are asked for.

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
