// Opens all steps of a run at once, copies their texts, and opens them for the printer.

const steps = [...document.querySelectorAll("details.step")];
const all = document.getElementById("all");
const opened = () => steps.every((step) => step.open);
const name = () => {
  all.textContent = opened() ? "Close all" : "Open all";
};
all.addEventListener("click", () => {
  const open = !opened();
  for (const step of steps) step.open = open;
  name();
});
for (const step of steps) step.addEventListener("toggle", name);
name();
all.hidden = steps.length < 2;

const select = (text) => {
  const range = document.createRange();
  range.selectNodeContents(text);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
};
for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      select(button.previousElementSibling); // the clipboard is refused to some local files
      button.textContent = "Selected";
    }
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  });
}

let closed = [];
addEventListener("beforeprint", () => {
  closed = steps.filter((step) => !step.open);
  for (const step of closed) step.open = true;
});
addEventListener("afterprint", () => {
  for (const step of closed) step.open = false;
});
