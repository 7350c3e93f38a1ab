// Reads the data that travels with the page, and draws the cases and the trials that are looked at.

const readData = async () => {
  const packed = document.getElementById("data");
  const binary = atob(packed.content.textContent);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
};

const trialLists = (data) => {
  const plain = (place) => plainText(data.strings[place]);
  const spelled = (text) =>
    text
      .split(/\0(⟨[^⟩]*⟩)/)
      .map((part, at) =>
        at % 2 ? make("span", { class: "control", title: data.controls[part] }, part) : part,
      );
  const say = (place) =>
    data.strings[place].split(/\x01([^\x03]*)\x03/).flatMap((part, at) => {
      if (at % 2 === 0) return spelled(part);
      const [note, words] = part.split("\x02");
      const [outcome, scorer] = note.split(" ");
      return make("mark", { class: `decided is-${outcome}`, "data-scorer": scorer }, spelled(words));
    });
  const makers = blockMakers(say, plain);
  const drawn = new Map();

  const scores = (trial) => {
    if (!trial.scores.length) return [];
    const line = ([name, scorer, reason, value]) => {
      const words = make("span", { class: "reason", dir: "auto" }, say(reason));
      if (plain(value)) words.append(" ", make("span", { class: "quiet" }, say(value)));
      return make(
        "li",
        {},
        outcome(name),
        " ",
        make("code", { class: "scorer" }, say(scorer)),
        " ",
        words,
      );
    };
    return [make("ul", { class: "scores" }, trial.scores.map(line))];
  };

  const members = (group, anchor, box) => {
    const repeated = JSON.stringify(group.trials[0].scores);
    const alike = group.trials.every((trial) => JSON.stringify(trial.scores) === repeated);
    if (alike) box.append(...scores(group.trials[0]));
    const member = (trial) => {
      const facts = plain(trial.facts) ? [" · ", say(trial.facts)] : [];
      const took = plain(trial.took) ? [" · ", say(trial.took)] : [];
      return make(
        "div",
        { class: "member", id: anchor && `${anchor}/${trial.number}` },
        make("p", { class: "quiet small" }, `trial ${trial.number}`, facts, took),
        alike ? [] : scores(trial),
      );
    };
    return paged(box, group.trials, member, "trials");
  };

  const row = (cell, anchor, group) => {
    const [first, ...others] = group.trials;
    const summary = make(
      "summary",
      {},
      make("span", { class: "number" }, others.length ? `${group.trials.length}×` : `${first.number}`),
      " ",
      outcome(group.outcome),
      " ",
      make("span", { class: "said", dir: "auto" }, say(group.said)),
    );
    if (others.length) summary.append(make("span", { class: "tag" }, say(group.repeated)));
    if (group.trials.some((trial) => trial.resumed)) {
      summary.append(
        make("span", { class: "tag", title: "kept from a session that was stopped" }, "resumed"),
      );
    }
    if (!others.length) summary.append(make("span", { class: "took" }, say(first.took)));
    const details = make("details", { class: "trial" }, summary);
    let showMember;
    const open = (index = 0) => {
      if (!showMember) {
        const suffix = `trial ${first.number} of ${plain(cell.variant)}`;
        const body = make("div", { class: "trial-body" });
        body.append(...group.body.flatMap(([kind, ...parts]) => makers[kind](suffix, ...parts)));
        body.append(...copyOutput(group.body, plain));
        details.append(body);
        showMember = members(group, anchor, body);
      }
      if (index >= PAGE) showMember(index);
      details.open = true;
    };
    details.addEventListener("toggle", () => details.open && open());
    return { details, open };
  };

  // Draws the groups of a cell that `fits`, the first one open. Returns a function that opens a trial by its number.
  const draw = (box, fits) => {
    const cell = data.cells[box.dataset.cell];
    const anchor = "twin" in box.dataset ? false : box.dataset.cell; // a place has its name once
    const groups = fits ? cell.groups.filter(fits) : cell.groups;
    const opens = new Map();
    const build = (group) => {
      const made = row(cell, anchor, group);
      opens.set(group, made.open);
      return made.details;
    };
    box.replaceChildren(...(anchor ? takeAlong(cell, plain) : []));
    const showGroup = paged(box, groups, build, "different results");
    if (groups.length) opens.get(groups[0])();
    else box.append(make("p", { class: "quiet small" }, "No trial fits the filter."));
    const openTrial = (number) => {
      const place = groups.findIndex((group) => group.trials.some((trial) => trial.number === number));
      if (place < 0) return;
      if (!opens.has(groups[place])) showGroup(place);
      opens.get(groups[place])(groups[place].trials.findIndex((trial) => trial.number === number));
    };
    drawn.set(box, { fits, openTrial });
    return drawn.get(box);
  };

  const list = (box, fits) => {
    const found = drawn.get(box);
    return found && found.fits === fits ? found : draw(box, fits);
  };

  const fill = (item) => {
    const box = item.querySelector(":scope > .case-body[data-body='']");
    if (!box) return;
    box.dataset.body = "drawn";
    box.replaceChildren(...JSON.parse(data.bodies[item.dataset.case]).map(fromTree));
  };

  const byCase = new Map();
  const named = new Set();
  for (const [anchor, { variant, groups }] of Object.entries(data.cells)) {
    const of = anchor.split("/").slice(0, 2).join("/");
    byCase.set(of, [...(byCase.get(of) || []), { variant: plain(variant), groups }]);
    for (const { trials } of groups) for (const { scores } of trials) for (const [, name] of scores) named.add(name);
  }
  const cellsOf = (anchor) => byCase.get(anchor) || [];
  const scorers = () => [...named].map((place) => data.strings[place]);
  return { data, list, fill, cellsOf, scorers };
};
