"""The messages of ``refork capture`` about what it has written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from refork.cli._output.tables import note
from refork.cli._output.text import one_line

if TYPE_CHECKING:
    from refork.case_capture.case_writer import Captured
    from refork.config import Config
    from refork.redaction import Replaced

LARGE: Final = 5_000_000
"""Bytes from which the size of a case is worth a warning, because it goes into git."""
_STEPS: Final = 8


def tell(captured: "Captured", config: "Config") -> None:
    from refork.records import StepKind  # noqa: PLC0415 - needs pydantic
    from refork.records.variant import prompt_folder  # noqa: PLC0415
    from refork.tool_policy import last_part  # noqa: PLC0415

    case, folder = captured.case, near(captured.folder)
    unchanged = " (kept as it was)" if captured.is_unchanged else ""
    click.echo(f"{folder / 'run.json'}: {len(case.run.steps)} steps, forked at step {case.step}")
    click.echo(f"{folder / 'case.yaml'}{unchanged}: write under `expect:` what the answer must meet")
    point = case.fork_point
    if point.kind is not StepKind.MODEL:
        name = one_line(point.tool or last_part(point.name))
        note(
            f'step {point.number} is not a model step, and a rerun of it acts: for that, set {name} = "live" under '
            f'[tool.refork.tools] in pyproject.toml; if it asks a model, say models = ["{name}"] under [tool.refork]'
        )
    elif case.agent is None:
        note(
            "the agent is not known: give --agent, or write it under `fork:` in case.yaml, to try candidates"
        )
    else:
        prompts = near(config.prompts) / prompt_folder(case.agent)
        click.echo(f"{prompts / '<variant>.md'}: candidate prompts of {one_line(case.agent)}")


def tell_size(captured: "Captured") -> None:
    size = sum(file.stat().st_size for file in captured.folder.iterdir() if file.is_file())
    if size >= LARGE:
        note(
            f"{near(captured.folder)} takes {size / 1_000_000:,.1f} MB, for the values of the steps before "
            "the fork point: think twice before it goes into git"
        )


def tell_replaced(replaced: "Sequence[Replaced]") -> None:
    """Print what was replaced and where, but never the values."""
    if replaced:
        click.echo("replaced before anything was written (--no-redact keeps it):")
    for found in replaced:
        values = len(found.values)
        click.echo(
            f"  {found.kind}: {values} {'value' if values == 1 else 'values'} "
            f"in {found.places} {'place' if found.places == 1 else 'places'}, {_where(found)}"
        )


def _where(found: "Replaced") -> str:
    numbers = sorted(step for step in found.steps if step is not None)
    shown = ", ".join(map(str, numbers[:_STEPS])) + (" ..." if len(numbers) > _STEPS else "")
    steps = f"step {shown}" if len(numbers) == 1 else f"steps {shown}"
    parts = ["the run's input or output"] if None in found.steps else []
    return " and ".join([*parts, steps] if numbers else parts)


def near(path: Path) -> Path:
    """Return a path relative to the current folder, if it is inside."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
