"""``make bench``: measure, print a table, and keep it in docs/benchmarks.md."""

import argparse
import os
import platform
import re
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from bench import (
    agreement,
    captures,
    comparisons,
    forks,
    independence,
    replays,
    reports,
    reuse,
    scans,
    startup,
    tails,
    tries,
    verdicts,
)
from bench.server import LATENCY, Server, serving

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, kw_only=True)
class Row:
    what: str
    measured: str
    bar: str
    met: bool


def decided() -> tuple[list[Row], str]:
    """Rows of the simulated suites, and the table of what others would have said of them."""
    few = verdicts.unchanged(10_000, 20, seed=20)
    many = verdicts.unchanged(4_000, 100, seed=100)
    fell = verdicts.one_fell(10_000, 20, seed=21)
    fixed = verdicts.fixed_trials(20)
    share = fell.per_case / fixed
    rows = [
        _rate(
            f"false alarms of the gate, {few.suites} suites of 20 cases where nothing changed", few.reds, 0.05
        ),
        _rate(
            f"false alarms of the gate, {many.suites} suites of 100 cases where nothing changed",
            many.reds,
            0.05,
        ),
        _at_least(f"one case of 20 fell from 0.95 to 0.5: found, {fell.suites} suites", fell.finds, 0.9),
        *_with_errors(),
        *_by_baseline(),
        Row(
            what="trials a case of `auto` in these suites / of the smallest fixed number as sharp",
            measured=f"{share:.2f} ({fell.per_case:.1f} / {fixed}; {few.per_case:.1f} where nothing changed)",
            bar="at most 0.60",
            met=share <= 0.6,
        ),
    ]
    return rows, _beside(few, many, fell)


def _by_baseline() -> list[Row]:
    """Rows of what a larger baseline gives, and of many gates on one baseline. No bar: docs/verdicts.md says them."""
    sizes = [(cases, trials) for cases in (100, 300) for trials in (verdicts.BASELINE, 60)]
    found = {
        f"one case of {cases} fell from 0.95 to 0.5: found, baseline of {trials} trials": verdicts.power(
            cases, trials
        )
        for cases, trials in sizes
    }
    red = {
        f"any of {verdicts.GATES} gates on one baseline of {trials} trials is red, 300 baselines of 20 cases "
        "where nothing changed": verdicts.red_in_twenty(300, 20, seed=28, trials=trials)
        for trials in (verdicts.BASELINE, 60)
    }
    return [
        Row(what=what, measured=f"{rate:.1%}", bar="none", met=True) for what, rate in (found | red).items()
    ]


def _with_errors() -> list[Row]:
    """Rows of suites in which not every trial can be measured."""
    shares = {share: verdicts.one_fell(2_000, 20, seed=26, raising=share) for share in (0.2, 0.5, 0.8)}
    lost = verdicts.some_lost(4_000, 20, seed=27, share=0.01)
    return [
        *(
            _at_least(
                f"the same, {share:.0%} of its bad answers raise: red, {each.suites} suites", each.finds, 0.9
            )
            for share, each in shares.items()
        ),
        _rate(
            f"false alarms, {lost.suites} suites of 20 cases that lose 1% of all trials at random",
            lost.reds,
            0.05,
        ),
    ]


def compared() -> list[Row]:
    """Rows of simulated candidates beside `current`."""
    kinds = {kind.name: kind.simulate(seed) for seed, kind in enumerate(comparisons.EQUAL, start=30)}
    rows = [
        _rate(f"one of equal candidates is called different: {name}", each.errs, 0.05)
        for name, each in kinds.items()
    ]
    rows += [
        _at_least(f"the 95% interval of the difference holds the true one: {name}", each.covers, 0.94)
        for name, each in kinds.items()
    ]
    return [*rows, *_better()]


def _better() -> list[Row]:
    half = np.full(20, 0.5)
    found = {
        mode: comparisons.simulate(
            100,
            half,
            np.vstack([half + 0.3, half]),
            seed=24,
            gate=mode == "gate",
            trials=10 if mode == "trials: 10" else None,
        )
        for mode in ("auto", "gate", "trials: 10")
    }
    return [
        _at_least(
            f"a candidate is better by 0.3 in 20 cases: found, {mode}, {each.sessions} sessions",
            each.finds,
            0.9,
        )
        for mode, each in found.items()
    ]


def agreed() -> list[Row]:
    """The row of simulated labels."""
    labels = f"{min(agreement.LABELS)} to {max(agreement.LABELS)} labels"
    what = f"the 95% interval of kappa holds the true one, the worst of all kinds of sessions with {labels}"
    return [_at_least(what, agreement.worst(), 0.94)]


def independent() -> list[Row]:
    """Rows of simulated cells whose answers repeat one another, or do not."""
    none = independence.signs(20_000, 20, repeated=0, seed=26)
    rows = [
        Row(
            what="equal answers in a row are called a sign of dependence, 20000 cells of 20 independent trials",
            measured=f"{none:.2%}",
            bar="at most 0.10%",
            met=none <= 0.001,
        )
    ]
    half = independence.signs(1_000, 60, repeated=0.5, seed=27)
    return [
        *rows,
        _at_least("the same where half of 60 answers repeat the last: found, 1000 cells", half, 0.9),
    ]


def _beside(few: verdicts.Tally, many: verdicts.Tally, fell: verdicts.Tally) -> str:
    lines = [
        f"| {name} | {few.others[name] / few.suites:.1%} | {many.others[name] / many.suites:.1%} | "
        f"{fell.others[name] / fell.suites:.1%} |"
        for name in verdicts.OTHERS
    ]
    ours = f"| Refork's gate, `auto` | {few.reds:.1%} | {many.reds:.1%} | {fell.reds:.1%} |"
    heading = "| rule | 20 cases, unchanged | 100 cases, unchanged | one of 20 fell |"
    return "\n".join([heading, "|---|---|---|---|", ours, *lines])


def _rate(what: str, rate: float, bar: float) -> Row:
    return Row(what=what, measured=f"{rate:.1%}", bar=f"at most {bar:.0%}", met=rate <= bar)


def _at_least(what: str, rate: float, bar: float) -> Row:
    return Row(what=what, measured=f"{rate:.1%}", bar=f"at least {bar:.0%}", met=rate >= bar)


def measure() -> list[Row]:
    with serving(latency=0) as server:
        runs = forks.record()
        rows = [*_without_waiting(runs), *_captures(captures.measure())]
        again = reuse.measure(runs.after_10_steps, server)
    with serving() as server:
        rows = _in_forks(runs, server) + rows
    with_plugin, without, start = startup.ratio()
    rows += [
        Row(
            what=f"model calls of the second run of {reuse.CASES} cases x 3 variants x {reuse.TRIALS} trials",
            measured=str(again.calls),
            bar="0",
            met=again.calls == 0,
        ),
        _within(
            "that run, beyond importing pytest, DBOS and the application", again.seconds - again.imports, 5
        ),
    ]
    return [*rows, _ratio("`pytest --co` with the plugin / without it", with_plugin, without, 1.05, start)]


def _in_forks(runs: forks.Runs, server: Server) -> list[Row]:
    with forks.session() as opened:
        calls = forks.calls_made(opened, runs.after_10_steps, server)  # the first, so it opens connections
        client = forks.by_client()
        ten = forks.forked(opened, runs.after_10_steps)
        thousand = forks.forked(opened, runs.after_1000_steps)
        turns = forks.forked(opened, runs.after_50_turns)
        sdk = forks.by_sdk(opened, runs.after_50_turns)
    return [
        Row(
            what=f"model calls made for {forks.TRIALS} trials, as the server counted them",
            measured=str(calls),
            bar=f"{forks.TRIALS}",
            met=calls == forks.TRIALS,
        ),
        _ratio(f"{forks.TRIALS} trials in a fork / the same requests by AsyncOpenAI", ten, client, 1.10),
        _ratio("behind 1000 plain steps / behind 10", thousand, ten, 1.15),
        _ratio("behind 50 turns / the SDK's own model class on the same messages", turns, sdk, 1.15),
    ]


def _without_waiting(runs: forks.Runs) -> list[Row]:
    """What is measured without a model's latency: replays, and the queue of tails."""
    bare = replays.bare_turns(runs.after_50_turns)
    with forks.session() as opened:
        replays.replayed(opened, runs.after_10_steps)  # the first of a session opens its connections
        plain = replays.per_plain_step(opened, runs.after_1000_steps, runs.after_10_steps)
        turns = replays.turns(opened, runs.after_50_turns)
        waits = tails.waits(opened, runs.after_10_steps)
    bare += replays.bare_turns(runs.after_50_turns)  # on both sides of the replays: load hits both alike
    answers = sum(step.kind == "model" for step in runs.after_50_turns.steps)
    return [
        _within("replay of a plain step", plain, 0.0006),
        _ratio(
            f"replay of {answers} turns / the bare SDK, given the same answers at once",
            statistics.median(turns),
            statistics.median(bare),
            1.15,
        ),
        _within(f"a tail's wait for its queue, median of {tails.TAILS}", statistics.median(waits), 0.05),
    ]


def _captures(found: captures.Captures) -> list[Row]:
    large, small = found.of_1000, found.of_100
    per_step = large.seconds / 1000, small.seconds / 100
    peaks = large.peak / small.peak
    size = f"{captures.SIZE / 1000:.0f} kB"
    return [
        Row(
            what=f"capture of 1000 steps of {size} / of 100: memory at its peak",
            measured=f"{peaks:.3f} ({large.peak / 1e6:.0f} MB / {small.peak / 1e6:.0f} MB)",
            bar="at most 1.50",
            met=peaks <= 1.5,
        ),
        _ratio(f"capture of 1000 steps of {size} / of 100: time per step", *per_step, 1.10),
        _within("capture of a 7-step run, beyond imports", found.of_7.seconds, 2),
    ]


def _ratio(what: str, taken: float, beside: float, bar: float, ratio: float | None = None) -> Row:
    ratio = taken / beside if ratio is None else ratio
    measured = f"{ratio:.3f} ({_time(taken)} / {_time(beside)})"
    return Row(what=what, measured=measured, bar=f"at most {bar:.2f}", met=ratio <= bar)


def _within(what: str, taken: float, bar: float) -> Row:
    return Row(what=what, measured=_time(taken), bar=f"at most {_time(bar)}", met=taken <= bar)


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def timing() -> tuple[list[Row], str]:
    """What depends on the machine: times, memory, and calls."""
    rows = measure()
    return (
        rows,
        f"""## Time, memory and calls

{_written("timing")}
Ratios compare times of the same run, since times depend on the machine. A bar in ms applies to this machine.
The model is a local server that answers after {LATENCY * 1000:.0f} ms. Forks make
{forks.TRIALS} trials, {forks.CONCURRENCY} at once.
Replays and tails are measured without that latency. Each replay is of a run that is new to the session; the time of a
plain step is computed from the difference between 1000 steps and 10. A tail, alone in its queue, waits from the time
its fork is written until DBOS starts it. Each capture runs in its own process, and the fastest of {captures.ROUNDS}
counts; its memory is that of the whole process.

{_table(rows)}
""",
    )


def simulated() -> tuple[list[Row], str]:
    """How often Refork errs, and how often it finds what is there: simulated, with fixed seeds."""
    gate, others = decided()
    rows = [*gate, *compared(), *independent(), *agreed()]
    return (
        rows,
        f"""## Statistics

{_written("statistics")}
Simulated agents with known pass rates, decided by the real code, with fixed seeds. In each session every
case has a pass rate of its own, or all have the one that is named; equal candidates have that of `current`.

{_table(rows)}

### The gate compared with other rules

Suites of simulated agents with true pass rates between 0.6 and 1 (`bench/verdicts.py`): a fresh baseline of
{verdicts.BASELINE} trials a case for every suite, `min_pass_rate` unset, all
defaults. The other rules look at the same answers: the first 5 trials, the first 10, or the first
{verdicts.FISHER_TRIALS} compared with the baseline, each case at 5%. How often each rule is red:

{others}
""",
    )


def scanned() -> tuple[list[Row], str]:
    """What a scan of many recorded runs takes."""
    with serving(latency=0):
        taken = scans.measure()
    what = f"scan of {scans.RUNS:,} recorded runs of {' and '.join(scans.STEPS)} steps, half of which fail"
    rows = [
        Row(
            what=f"{what}: time",
            measured=f"{_time(taken.seconds)}, of which the processor worked {_time(taken.processor)}",
            bar="at most 60 s",
            met=taken.seconds <= 60,
        ),
        Row(
            what=f"{what}: memory at its peak",
            measured=f"{taken.peak / 1e6:.0f} MB",
            bar="at most 500 MB",
            met=taken.peak <= 500e6,
        ),
    ]
    return (
        rows,
        f"""## Scans

{_written("scans")}
`refork scan` of a SQLite database, in a process of its own: the time beyond imports, and the memory of all of it.
The runs are copies of two runs of an agent, spread over seven days and three versions.
Meanwhile {os.getloadavg()[0]:.0f} processes wanted the {os.cpu_count()} processors of the machine.

{_table(rows)}
""",
    )


def tried() -> tuple[list[Row], str]:
    """What a question takes from its command to its verdict."""
    taken = tries.measure()
    rows = [
        Row(
            what=f"`refork try` of one prompt, 2 × {tries.TRIALS} trials at once: beyond one answer of the model",
            measured=_time(taken.overhead),
            bar="at most 3 s",
            met=taken.overhead <= 3,
        ),
        Row(
            what="of which a Python that only imports the application takes",
            measured=_time(taken.imports),
            bar="none",
            met=True,
        ),
    ]
    return (
        rows,
        f"""## Questions

{_written("tries")}
`refork try` on a run of four model calls, in a project without a case, a prompt or an answer, from the start of its
process to its end. The model takes {LATENCY * 1000:.0f} ms for an answer, which is subtracted once. The fastest of
{tries.ROUNDS} rounds counts. Meanwhile {os.getloadavg()[0]:.0f} processes wanted the {os.cpu_count()} processors of the
machine.

{_table(rows)}
""",
    )


def looked_at() -> tuple[list[Row], str]:
    """What the page of a report takes in a browser: depends on the machine."""
    found = reports.measure()
    rows = [
        _size("file", found.size, 6),
        _within("first paint", found.first_paint, 1),
        _within("until the trials that are open are drawn", found.drawn, 1),
        _within("the slowest of nine filters, until it is painted", found.filter, 0.2),
        _within("switch of the theme, until it is painted", found.theme, 0.2),
        _size("memory of the page's process after that", found.memory, 200),
    ]
    return (
        rows,
        f"""## The page of a report

{_written("reports")}
{reports.CASES} cases under 5 variants with {reports.TRIALS} trials each: 10,000 trials, each with an output of its own
of about 300 characters and two scores with reasons. Headless Chromium, 1280 by 900 pixels, anew for each of
{reports.ROUNDS} rounds: the fastest counts, and of memory, after garbage was collected, the most. Meanwhile
{os.getloadavg()[0]:.0f} processes wanted the {os.cpu_count()} processors of the machine.

{_table(rows)}
""",
    )


def _size(what: str, size: int, bar: int) -> Row:
    return Row(what=what, measured=f"{size / 1e6:.1f} MB", bar=f"at most {bar} MB", met=size <= bar * 1e6)


PARTS: Final = {
    "timing": timing,
    "scans": scanned,
    "tries": tried,
    "statistics": simulated,
    "reports": looked_at,
}


def _written(part: str) -> str:
    system = f"Python {platform.python_version()} on {platform.system()}"
    return f"Measured by `python -m bench --only {part}`, on {date.today().isoformat()} with {system}."


def _table(rows: list[Row]) -> str:
    lines = [f"| {row.what} | {row.measured} | {row.bar} | {'yes' if row.met else 'no'} |" for row in rows]
    return "\n".join(["| what | measured | bar | met |", "|---|---|---|---|", *lines])


def parts_of(page: str) -> dict[str, str]:
    """Return the parts of a page by their names, as :func:`page_of` joined them."""
    marks = re.findall(r"<!-- (\w+) -->\n\n(.*?)(?=\n<!-- |\Z)", page, re.DOTALL)
    return dict(marks)


def page_of(parts: dict[str, str]) -> str:
    marked = [f"<!-- {name} -->\n\n{parts[name]}" for name in PARTS if name in parts]
    return "# Benchmarks\n\nWritten by `make bench`.\n\n" + "\n".join(marked)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="measure these rows; the page keeps the others")
    only = parser.parse_args(arguments).only
    parts = parts_of(PAGE.read_text(encoding="utf-8"))
    rows: list[Row] = []
    for name in [only] if only else PARTS:
        measured, parts[name] = PARTS[name]()
        rows += measured
    for row in rows:
        print(f"{'ok  ' if row.met else 'MISS'} {row.what}: {row.measured}, bar {row.bar}")
    PAGE.write_text(page_of(parts), encoding="utf-8")
    print(f"written to {PAGE}")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
