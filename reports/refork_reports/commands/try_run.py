"""``refork try``: would another prompt, model or setting have helped?"""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, Final, Literal

import click
from refork.case_capture.run_filter import ACCEPTED
from refork.cli._output.options import json_option, with_schema
from refork.cli._output.tables import console, note, print_json
from refork.dbos.reader.recordings import DATABASE_VARIABLE
from refork.errors import BadInputError

from refork_reports.commands._try_arguments import Targets, TrialsType
from refork_reports.commands._try_saving import offer_to_save, save_tried

if TYPE_CHECKING:
    from refork.config import Config
    from refork.records import Case
    from refork.records.variant import Variant

    from refork_reports.tryout.before import Before
    from refork_reports.tryout.question import Findings, Question

NOT_FIXED: Final = 1
_WIDE: Final = 120
"""Columns of a table that goes into a file or a pipe."""


_STYLES: Final[dict[str, dict[str, Any]]] = {
    "dim": {"dim": True},
    "heading": {"bold": True},
    "pass": {"fg": "green"},
    "fail": {"fg": "red"},
    "held": {"fg": "green"},
    "dropped": {"fg": "red"},
    "inconclusive": {"fg": "yellow"},
    "error": {"fg": "red", "bold": True},
    "stale": {"fg": "cyan"},
}


@click.command("try")
@click.argument("run", metavar="[RUN@STEP]", required=False)
@click.option(
    "--prompt",
    "prompts",
    metavar="TEXT|FILE.md",
    multiple=True,
    help="A prompt to try: a template, or a file of one. {{ baseline }} is the code's own prompt.",
)
@click.option(
    "--model", "models", metavar="NAME,...", multiple=True, help="Models to try, crossed with the prompts."
)
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting to try, such as temperature=0, crossed with prompts and models. Repeat a key to vary it.",
)
@click.option(
    "--tools",
    metavar="NAME,...",
    multiple=True,
    help="The tools to offer, of those that the code offers; -NAME offers all but that one, '' none. Crossed too.",
)
@click.option(
    "--tool-result",
    "tool_results",
    metavar="[STEP=]JSON",
    multiple=True,
    help="What if a tool before the step had said this? Without STEP, the tool at RUN@STEP: then the model call "
    "after it is asked again.",
)
@click.option(
    "--step-output",
    "step_outputs",
    metavar="STEP=JSON",
    multiple=True,
    help="The same for a step that is no tool's.",
)
@click.option(
    "--message", "messages", metavar="TEXT", multiple=True, help="What if the user had said this last?"
)
@click.option(
    "--expect",
    "expects",
    metavar="YAML|FILE.yaml",
    multiple=True,
    help="What answers must meet, as in case.yaml: 'not_contains: increased'. "
    "Without any, equal answers are grouped and shown.",
)
@click.option(
    "--check",
    "checks",
    metavar="MODULE:FUNCTION",
    multiple=True,
    help="A function of the project's that scores an answer, like one registered with @scorer.",
)
@click.option(
    "--case", "cases", metavar="CASE", multiple=True, help="Try it on a case of the project instead of a run."
)
@click.option(
    "--where",
    "filters",
    metavar="FILTER",
    multiple=True,
    help=f"Try it on every run that fits, instead of one: {ACCEPTED}. All of them must hold.",
)
@click.option(
    "--last", type=click.IntRange(min=1), help="With --where, the maximum number of runs.  [default: 20]"
)
@click.option(
    "-n",
    "--trials",
    type=TrialsType(),
    metavar="N|auto",
    help="Trials of each variant.  [default: trials of [tool.refork]; 5 if nothing is expected]",
)
@click.option(
    "--scope", type=click.Choice(["step", "tail"]), help="Rerun the step alone, or go on to the end."
)
@click.option("--max-cost", type=float, metavar="USD", help="Start no more trials once this much is spent.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what it would take, and make no call.")
@click.option("--yes", "assume_yes", is_flag=True, help="Do not ask above ask_above of [tool.refork].")
@click.option(
    "--save", "name", metavar="NAME", help="Write a case, and the variants as prompts, from what was tried."
)
@click.option(
    "--db",
    metavar="URL",
    envvar=DATABASE_VARIABLE,
    help=f"The DBOS system database. It is only read. Default: ${DATABASE_VARIABLE}.",
)
@click.option("--schema", metavar="NAME", help="The Postgres schema of DBOS's tables.")
@json_option
def command(
    *,
    run: str | None,
    prompts: Sequence[str],
    models: Sequence[str],
    settings: Sequence[str],
    tools: Sequence[str],
    tool_results: Sequence[str],
    step_outputs: Sequence[str],
    messages: Sequence[str],
    expects: Sequence[str],
    checks: Sequence[str],
    cases: Sequence[str],
    filters: Sequence[str],
    last: int | None,
    trials: int | Literal["auto"] | None,
    scope: str | None,
    max_cost: float | None,
    is_dry: bool,
    assume_yes: bool,
    name: str | None,
    db: str | None,
    schema: str | None,
    as_json: bool,
) -> int:
    """Rerun one step of a run under other prompts, models, settings or tools, and see what would have helped.

    RUN is an id or the beginning of one, STEP a step's number or the name of its agent. Everything before the step is
    replayed from checkpoints; the step runs as the code has it (`current`) and under each variant. Answers are kept,
    so that a question that is asked again pays for none twice.

    Exits with 0 if a variant passes on every run, or if nothing was expected; with 1 if none does.
    """
    from refork.text.escape import escape_controls  # noqa: PLC0415

    from refork_reports.commands._spending import confirm_spending  # noqa: PLC0415
    from refork_reports.sentences.cost_estimate import by_case  # noqa: PLC0415
    from refork_reports.tryout.before import before_of, is_of_the_step  # noqa: PLC0415
    from refork_reports.tryout.expectations import expectations_of  # noqa: PLC0415 - SciPy takes a second to import
    from refork_reports.tryout.question import Question, estimate  # noqa: PLC0415

    targets = Targets(
        run=run, cases=cases, filters=filters, most=last, is_before=any(map(is_of_the_step, tool_results))
    )
    before = before_of(tool_results, step_outputs, messages, step=targets.number)
    config = _config(max_cost)
    expect = expectations_of(expects, checks, config.root)
    found = _cases(targets, db, schema, config)
    question = Question(
        cases=tuple(_scoped(case, scope) for case in found),
        variants=_variants(
            found, prompts=prompts, models=models, settings=settings, tools=tools, before=before
        ),
        expect=expect,
        trials=trials,
    )
    if is_dry:
        click.echo("\n".join(map(escape_controls, by_case(estimate(question, config)))))
        return 0
    if not confirm_spending(estimate(question, config), config, assume_yes, sys.stderr):
        return NOT_FIXED
    findings = _asked(question, config)
    _print(findings, as_json=as_json)
    if name is not None:
        save_tried(question, name, config)
    elif not as_json:
        offer_to_save(question, config)
    return 0 if findings.passing or (findings.is_measured and not question.is_judged) else NOT_FIXED


def _config(max_cost: float | None) -> "Config":
    from pathlib import Path  # noqa: PLC0415

    from refork.config import load_config  # noqa: PLC0415

    return load_config(Path.cwd(), overrides={"max_cost": max_cost}, option_prefix="--")


def _cases(targets: Targets, db: str | None, schema: str | None, config: "Config") -> "Sequence[Case]":
    from refork.case_files.case_file import load_case  # noqa: PLC0415 - needs pydantic
    from refork.case_files.finding import case_file_named  # noqa: PLC0415

    from refork_reports.tryout.cases import matching_targets, target_of, temporary_cases  # noqa: PLC0415

    if targets.cases:
        return [load_case(case_file_named(each, config.cases)) for each in targets.cases]
    if not db:
        raise BadInputError(
            f"--db is missing: give the URL of a DBOS system database, or set {DATABASE_VARIABLE}"
        )
    url = with_schema(db, schema)
    wanted = (
        matching_targets(url, targets.filters, config, last=targets.last)
        if targets.run is None
        else (target_of(targets.run, is_before=targets.is_before),)
    )
    return temporary_cases(url, wanted, config, on_note=note)


def _scoped(case: "Case", scope: str | None) -> "Case":
    from dataclasses import replace  # noqa: PLC0415

    return case if scope is None else replace(case, scope=scope)


def _variants(
    cases: "Sequence[Case]",
    *,
    prompts: Sequence[str],
    models: Sequence[str],
    settings: Sequence[str],
    tools: Sequence[str],
    before: "Sequence[Before]",
) -> "tuple[Variant, ...]":
    from refork.prompts.candidates import PLAIN  # noqa: PLC0415 - needs Jinja2

    from refork_reports.tryout.proposals import variants_of  # noqa: PLC0415

    plain = next((case.agent for case in cases if case.run.framework == PLAIN), None)
    return variants_of(prompts, models, settings, tools, before, plain=plain)


def _asked(question: "Question", config: "Config") -> "Findings":
    from refork_reports.commands.side_by_side._named_trials import keep_results  # noqa: PLC0415
    from refork_reports.progress import shown  # noqa: PLC0415
    from refork_reports.tryout.question import ask  # noqa: PLC0415

    # What the application prints is none of the answer.
    with redirect_stdout(sys.stderr), shown(True) as display:
        findings = ask(question, config, on_progress=display.show, on_note=display.note)
    keep_results(findings.result, config)  # `refork diff` lays its trials side by side
    return findings


def _print(findings: "Findings", *, as_json: bool) -> None:
    from refork_reports.formats.tryout import document, lines  # noqa: PLC0415

    if as_json:
        print_json(document(findings))
        return
    width = console().width if sys.stdout.isatty() else _WIDE
    for line in lines(findings, width=width):
        click.echo("".join(click.style(segment.text, **_STYLES.get(segment.style, {})) for segment in line))
