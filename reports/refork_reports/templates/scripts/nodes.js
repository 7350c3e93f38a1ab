// Makes nodes. A text becomes a text node, never markup.

const SVG = document.querySelector("svg").namespaceURI;
const DRAWN = new Set(["svg", "use", "rect", "path", "line", "circle", "text"]);

const make = (tag, attributes, ...children) => {
  const node = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat());
  return node;
};

// A text of the data holds a mark before what is spelled out, and marks around words that decided a score.
const MARKS = /\0|\x01[^\x02]*\x02|\x03/g;
const plainText = (text) => text.replace(MARKS, "");

// Makes what views/node_tree.py took apart.
const fromTree = (tree) =>
  typeof tree === "string" ? tree : make(tree[0], tree[1], ...tree.slice(2).map(fromTree));

const icon = (name) =>
  make(
    "svg",
    { class: "icon", "aria-hidden": "true", focusable: "false" },
    make("use", { href: `#i-${name}` }),
  );

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
