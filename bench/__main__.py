"""``make bench``: measure, print a table, and keep it in docs/benchmarks.md."""

import platform
import statistics
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench import captures, forks, replays, startup, tails
from bench.server import LATENCY, Server, serving

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, kw_only=True)
class Row:
    what: str
    measured: str
    bar: str
    met: bool


def measure() -> list[Row]:
    with serving(latency=0):
        runs = forks.record()
        rows = [*_without_waiting(runs), *_captures(captures.measure())]
    with serving() as server:
        rows = _in_forks(runs, server) + rows
    with_plugin, without, start = startup.ratio()
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


def page(rows: list[Row]) -> str:
    table = "\n".join(
        f"| {row.what} | {row.measured} | {row.bar} | {'yes' if row.met else 'no'} |" for row in rows
    )
    return f"""# Benchmarks

Written by `make bench`, on {date.today().isoformat()} with Python {platform.python_version()} on {platform.system()}.
A ratio is taken within one run, since times depend on the machine; a bar in ms holds for the machine it ran on.
The model is a local server that answers after {LATENCY * 1000:.0f} ms. Forks make
{forks.TRIALS} trials, {forks.CONCURRENCY} at once.
Replays and tails are measured without that latency. A replay is of a run that the session has not seen before; a
plain step's is the difference between 1000 steps and 10. A tail, alone in its queue, waits from the writing of its
fork until DBOS takes it up. Captures run in a process each, the quickest of {captures.ROUNDS}; their memory is all of
that process.

| what | measured | bar | met |
|---|---|---|---|
{table}
"""


def main() -> int:
    rows = measure()
    for row in rows:
        print(f"{'ok  ' if row.met else 'MISS'} {row.what}: {row.measured}, bar {row.bar}")
    PAGE.write_text(page(rows), encoding="utf-8")
    print(f"written to {PAGE}")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
