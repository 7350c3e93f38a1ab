"""``make bench``: measure, print a table, and keep it in docs/benchmarks.md."""

import platform
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench import forks, startup
from bench.server import LATENCY, serving

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, kw_only=True)
class Row:
    what: str
    measured: str
    bar: str
    met: bool


def measure() -> list[Row]:
    with serving() as server:
        runs = forks.record()
        with forks.session() as opened:
            forks.forked(opened, runs.after_10_steps)  # connections are opened once
            calls = forks.calls_made(opened, runs.after_10_steps, server)
            client = forks.by_client()
            ten = forks.forked(opened, runs.after_10_steps)
            thousand = forks.forked(opened, runs.after_1000_steps)
            turns = forks.forked(opened, runs.after_50_turns)
            sdk = forks.by_sdk(opened, runs.after_50_turns)
    with_plugin, without, start = startup.ratio()
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
        _ratio("`pytest --co` with the plugin / without it", with_plugin, without, 1.05, start),
    ]


def _ratio(what: str, taken: float, beside: float, bar: float, ratio: float | None = None) -> Row:
    ratio = taken / beside if ratio is None else ratio
    measured = f"{ratio:.3f} ({taken:.2f} s / {beside:.2f} s)"
    return Row(what=what, measured=measured, bar=f"at most {bar:.2f}", met=ratio <= bar)


def page(rows: list[Row]) -> str:
    table = "\n".join(
        f"| {row.what} | {row.measured} | {row.bar} | {'yes' if row.met else 'no'} |" for row in rows
    )
    return f"""# Benchmarks

Written by `make bench`, on {date.today().isoformat()} with Python {platform.python_version()} on {platform.system()}.
Every figure is a ratio within one run: absolute times depend on the machine. The model is a local server that
answers after {LATENCY * 1000:.0f} ms; {forks.TRIALS} trials, {forks.CONCURRENCY} at once.

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
