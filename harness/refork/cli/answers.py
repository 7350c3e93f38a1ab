"""``refork answers``: what is kept of models' answers, and what of it nothing can reach any more."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from refork.case_capture.loader import project
from refork.cli._output.options import json_option
from refork.cli._output.tables import TableColumn, print_json, print_table
from refork.errors import ReforkError

if TYPE_CHECKING:
    from refork.config import Config
    from refork.records import Case
    from refork.records.cached_answer import CachedAnswer

_COLUMNS = (
    TableColumn(title="case", flexible=True),
    TableColumn(title="answers", right=True),
    TableColumn(title="requests", right=True),
    TableColumn(title="size", right=True),
    TableColumn(title="oldest"),
    TableColumn(title="newest"),
)


@click.group("answers")
def command() -> None:
    """Look after the cached answers in the cases' answers.jsonl.

    `refork answers stats [CASE]...` lists how many there are, how large and
    how old. `refork answers prune [CASE]...` removes those that neither the
    code nor any variant asks for now; `--dry-run` only says which. Neither
    calls a model.
    """


@command.command("stats")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@json_option
def stats(*, cases: tuple[str, ...], as_json: bool) -> None:
    """List the cached answers of each case: how many, how large, how old."""
    found = [(case, _cached(case)) for case in _cases(project(), cases)]
    if as_json:
        print_json({"version": 1, "cases": [_entry(case, cached) for case, cached in found]})
        return
    print_table(_COLUMNS, [_row(case, cached) for case, cached in found])


@command.command("prune")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune(*, cases: tuple[str, ...], dry_run: bool) -> None:
    """Remove the answers that neither the code nor any variant asks for now."""
    config = project()
    chosen = [case for case in _cases(config, cases) if _cached(case)]
    if not chosen:
        click.echo("nothing is kept")
        return
    problems = 0
    for case, gone, problem in _unreachable(config, chosen):
        if problem:
            problems += 1
            click.echo(f"{case.name}: left alone: {problem}", err=True)
            continue
        if gone and not dry_run:
            _remove(case, gone)
        verb = "would go" if dry_run else "removed"
        click.echo(f"{case.name}: {len(gone)} of {len(_cached(case)) + (0 if dry_run else len(gone))} {verb}")
    if problems:
        raise click.exceptions.Exit(1)


def _unreachable(config: "Config", cases: "Sequence[Case]") -> "list[tuple[Case, list[CachedAnswer], str]]":
    from refork.answer_cache import AnswersMode, Store  # noqa: PLC0415
    from refork.fork import open_project  # noqa: PLC0415 - DBOS takes a second to import
    from refork.fork.cache_pruning import unreachable  # noqa: PLC0415
    from refork.prompts.candidates import find_variants  # noqa: PLC0415
    from refork.records.variant import current  # noqa: PLC0415

    found: list[tuple[Case, list[CachedAnswer], str]] = []
    policy = config.tool_policy
    # What the application prints is no part of what was asked for.
    with (
        redirect_stdout(sys.stderr),
        open_project(config, slot="prune", answers=Store(AnswersMode.OFFLINE)) as session,
    ):
        for case in cases:
            try:
                # Tests may try others than those that the case names.
                every = find_variants(replace(case, variants=None), config.prompts)
                found.append(
                    (case, unreachable(session, case, (current(), *every), _cached(case), policy), "")
                )
            except ReforkError as error:
                found.append((case, [], str(error)))
    return found


def _remove(case: "Case", gone: "Sequence[CachedAnswer]") -> None:
    from refork.answer_cache.answers_file import save_answers  # noqa: PLC0415

    keys = {each.key for each in gone}
    save_answers(case.folder, [each for each in _cached(case) if each.key not in keys])


def _cached(case: "Case") -> "list[CachedAnswer]":
    from refork.answer_cache.answers_file import load_answers  # noqa: PLC0415

    return list(load_answers(case.folder).values())


def _cases(config: "Config", names: Sequence[str]) -> "list[Case]":
    from refork.case_files.case_file import load_case  # noqa: PLC0415 - pydantic
    from refork.case_files.finding import case_file_named, case_files_by_name  # noqa: PLC0415 - pydantic

    if not names:
        return [load_case(file) for file in case_files_by_name(config.cases).values()]
    files = [case_file_named(name, config.cases) for name in names]
    return [load_case(file) for file in files]


def _entry(case: "Case", cached: "Sequence[CachedAnswer]") -> dict[str, object]:
    dates = sorted(each.answered_at for each in cached)
    return {
        "case": case.name,
        "answers": len(cached),
        "requests": len({each.digest for each in cached}),
        "bytes": _size(case.folder),
        "oldest": dates[0].isoformat() if dates else None,
        "newest": dates[-1].isoformat() if dates else None,
    }


def _row(case: "Case", cached: "Sequence[CachedAnswer]") -> list[str]:
    dates = sorted(f"{each.answered_at:%Y-%m-%d}" for each in cached)
    ends = [dates[0], dates[-1]] if dates else ["–", "–"]
    requests = len({each.digest for each in cached})
    return [case.name, str(len(cached)), str(requests), f"{_size(case.folder) / 1000:.1f} kB", *ends]


def _size(folder: Path) -> int:
    from refork.answer_cache import answers_file  # noqa: PLC0415

    path = answers_file(folder)
    return path.stat().st_size if path.exists() else 0
