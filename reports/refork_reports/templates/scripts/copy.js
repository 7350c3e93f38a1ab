// Copies what a reader takes along: an output, a request, a command.

// Where the clipboard is refused, as to some local files, the text is shown below and selected instead.
const showSelected = (button, text) => {
  const shown = make("pre", { class: "text", tabindex: "0", role: "group", "aria-label": button.textContent }, text);
  button.after(shown);
  const range = document.createRange();
  range.selectNodeContents(shown);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
};

const copyButton = (name, text) => {
  const button = make("button", { type: "button", class: "button copy" }, name);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = name;
      }, 2000);
    } catch {
      showSelected(button, text);
      button.disabled = true;
    }
  });
  return button;
};

// What stands above the trials of a cell: the command that runs it again, and its request.
const takeAlong = (cell, plain) => {
  const [command, request] = [plain(cell.command), plain(cell.request)];
  const parts = [];
  if (command) {
    const shown = { class: "command-text", tabindex: "0", role: "group", "aria-label": "the command that runs it again" };
    parts.push(make("code", shown, command), copyButton("Copy command", command));
  }
  if (request) parts.push(copyButton("Copy request as JSON", request));
  return parts.length ? [make("div", { class: "take-along" }, parts)] : [];
};

// A button for the texts of an output as they are shown: characters that a terminal would obey stay spelled out.
const copyOutput = (blocks, plain) => {
  const texts = blocks.filter(([kind]) => kind === "text" || kind === "code");
  if (!texts.length) return [];
  const isShortened = texts.some(([, , , tail]) => tail !== undefined);
  const whole = texts.map(([, , head, tail]) => plain(head) + (tail === undefined ? "" : `\n…\n${plain(tail)}`));
  return [copyButton(isShortened ? "Copy what is shown" : "Copy output", whole.join("\n"))];
};
