"""``refork diff``: two recorded runs side by side, and the first step at which they differ."""

from dataclasses import replace

import click
from refork.cli._output.options import db_option, json_option, redact_options, redaction, replay_option


@click.command("diff")
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
@db_option
@json_option
@replay_option
@redact_options
def command(
    *,
    first: str,
    second: str,
    db: str,
    as_json: bool,
    replay: bool | None,
    redact: str | None,
    no_redact: bool,
) -> None:
    """Show where two runs differ: the first step, and then every step.

    Steps of the two runs belong together by kind and name. What only the first run has is in [-...-], what only the
    second has in {+...+}. The arguments of steps come from a replay, as for `refork show`.

    Secrets are replaced, as they are when a run is captured.
    """
    from refork.case_capture.loader import Loader, project  # noqa: PLC0415 - `refork --help` needs no pydantic
    from refork.cli._output.tables import note, print_json  # noqa: PLC0415

    from refork_reports.commands._diff_output import document, lines_of  # noqa: PLC0415
    from refork_reports.views.run_diff import paired  # noqa: PLC0415

    what = redaction(redact, no_redact=no_redact)
    with Loader(db, project(), redaction=what, replay=replay, on_note=note) as loader:
        loaded = [loader.load(run) for run in (first, second)]
    before, after = (replace(each.run, steps=tuple(each.steps)) for each in loaded)
    pairs = paired(before.steps, after.steps)
    if as_json:
        print_json({"version": 1, "before": before.id, "after": after.id, "steps": document(pairs)})
    else:
        for line in lines_of(before, after, pairs):
            click.echo(line)
    for missing in dict.fromkeys(each.missing for each in loaded if each.missing is not None):
        note(missing)
