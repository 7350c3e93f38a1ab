// Makes nodes. A text becomes a text node, never markup.

const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat());
  return node;
};

const SVG = document.querySelector("svg").namespaceURI;

const icon = (name) => {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  svg.append(use);
  return svg;
};

const outcome = (name) => make("span", { class: `verdict is-${name}` }, icon(name), name);

const PAGE = 50;

// Appends what `build` makes of the first items, and a button for the next ones. Returns a function that shows up to
// an index.
const paged = (box, items, build, noun) => {
  let shown = 0;
  const button = make("button", { type: "button", class: "button more" });
  const show = (until) => {
    const next = items.slice(shown, until).map(build);
    shown = Math.max(shown, Math.min(until, items.length));
    button.remove();
    box.append(...next);
    const left = items.length - shown;
    button.textContent = `Show ${Math.min(PAGE, left)} more of ${left} ${noun}`;
    if (left) box.append(button);
    return next;
  };
  button.addEventListener("click", () => {
    const next = show(shown + PAGE);
    (next[0].querySelector("summary") || button).focus();
  });
  show(PAGE);
  return (index) => show(Math.ceil((index + 1) / PAGE) * PAGE);
};
