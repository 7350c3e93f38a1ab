// Draws the parts of an output, as views/trial_groups.py lists them. `say` turns a place in the data into nodes.

const blockMakers = (say, plain) => {
  const text = (kind) => (suffix, label, head, tail, leftOut) => {
    const box = (part, end) =>
      make(
        "pre",
        {
          class: kind === "code" ? "text code" : "text",
          dir: "auto",
          tabindex: "0",
          role: "group",
          "aria-label": `${plain(label)} of ${suffix}${end}`,
        },
        say(part),
      );
    if (tail === undefined) return [box(head, "")];
    return [box(head, ""), make("p", { class: "left-out" }, say(leftOut)), box(tail, ", its end")];
  };
  const step = ([number, kind, name, given, said, isError, odd]) => {
    const parts = [make("span", { class: "kind" }, say(kind))];
    if (plain(name)) parts.push(" ", make("b", { dir: "auto" }, say(name)));
    if (plain(given)) parts.push(" ", make("code", { dir: "auto" }, say(given)));
    parts.push(" ", make("span", { class: isError ? "said is-error" : "said", dir: "auto" }, say(said)));
    if (plain(odd)) parts.push(" ", make("span", { class: "tag" }, say(odd)));
    return make("li", { value: plain(number) }, parts);
  };
  return {
    text: text("text"),
    code: text("code"),
    notice: (_, title, message) => [
      make(
        "div",
        { class: "notice is-error" },
        icon("error"),
        make("div", {}, make("strong", {}, say(title)), make("p", { dir: "auto" }, say(message))),
      ),
    ],
    call: (_, name) => [
      make(
        "p",
        { class: "call-name" },
        make("span", { class: "kind" }, "tool call"),
        " ",
        make("code", {}, say(name)),
      ),
    ],
    kind: (_, word) => [
      make("p", { class: "result-name" }, make("span", { class: "kind" }, say(word))),
    ],
    quiet: (_, sentence) => [make("p", { class: "quiet", dir: "auto" }, say(sentence))],
    "left-out": (_, sentence) => [make("p", { class: "left-out" }, say(sentence))],
    steps: (suffix, label, ...steps) => [
      make("ol", { class: "tail", "aria-label": `${plain(label)} of ${suffix}` }, steps.map(step)),
    ],
  };
};
