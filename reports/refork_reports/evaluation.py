"""Evaluates cases under variants in notebooks and scripts (``refork.evaluate``). The result shows, compares and
saves itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from refork.api import awaited
from refork.config import load_config
from refork.errors import BadInputError
from refork.prompts.prompt import Prompt
from refork.records import Case
from refork.records.variant import CURRENT, Variant
from refork.text.lines import nearest
from refork.text.numbers import plural
from refork_evals import results
from refork_evals.evaluation.evaluate import evaluate as evaluate_cases
from refork_evals.evaluation.pace import Counts
from refork_evals.evaluation.settings import Settings
from refork_evals.results import VariantComparison, Verdict
from refork_evals.statistics.sequential import Bounds
from refork_evals.verdicts.comparison import MARGIN, arms_of, margin_of
from refork_evals.verdicts.comparison import compare as compare_arms

from refork_reports.progress import shown

if TYPE_CHECKING:
    import pandas as pd

    from refork_reports.mlflow_runs.upload import MlflowRun

Rows = Literal["cells", "trials", "scores"]
Cases = Case | str | Path | Sequence[Case | str | Path] | None
Variants = Variant | Prompt | str | Sequence[Variant | Prompt | str] | None
Progress = bool | Callable[[Counts], None]


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The results of an evaluation.

    ``result`` contains every case, cell, trial and score as frozen values. In a notebook an evaluation is displayed
    as the matrix of cases and variants.
    """

    result: results.SuiteResult
    margin: float = MARGIN

    @property
    def verdicts(self) -> dict[tuple[str, str], Verdict]:
        """The verdict of each case under each variant, by ``(case, variant)``."""
        return {(cell.case, cell.variant): cell.verdict for cell in self.result.cells}

    @property
    def winners(self) -> dict[str, tuple[str, ...]]:
        """The candidates that fix each case, the best first."""
        return {case.case.name: case.winners for case in self.result.cases}

    def to_frame(self, rows: Rows = "cells") -> "pd.DataFrame":
        """Return a pandas frame with one row for each of ``rows``: ``cells`` (a case under a variant), ``trials`` or
        ``scores`` (one scorer on one trial).

        docs/python.md lists the columns and their dtypes. Rates are between 0 and 1, cost is in US dollars, time in
        seconds; unknown values are missing. Raises BadInputError for other ``rows``.
        """
        from refork_reports.formats import frames  # noqa: PLC0415 - pandas takes a second to import

        makers = {"cells": frames.cells, "trials": frames.trials, "scores": frames.scores}
        if rows not in makers:
            raise BadInputError(f"rows={rows!r} is not a kind of row{nearest(rows, makers)}")
        return makers[rows](self.result)

    def compare(self, variant: str, against: str = CURRENT) -> VariantComparison:
        """Compare the pass rates of two variants, over all cases that both were measured on.

        Returns the difference (between -1 and 1) with its interval and p-value. Raises BadInputError if a variant was
        not measured, or if the two have no case in common.
        """
        guards = {each.case.name for each in self.result.cases if each.case.guard}
        arms = [arm for arm in arms_of(self.result.cells, guards) if arm.variant in {variant, against}]
        known = {cell.variant for cell in self.result.cells}
        for name in (variant, against):
            if name not in known:
                raise BadInputError(f"no variant of this evaluation is named {name!r}{nearest(name, known)}")
        found = compare_arms(arms, against=against, alpha=self.result.alpha, margin=self.margin)
        if not found:
            raise BadInputError(
                f"no case was measured under both {variant!r} and {against!r}: evaluate a case under both"
            )
        return found[0]

    def save(self, path: str | Path = "report.html") -> Path:
        """Write the report, and return the path of what was written.

        ``path`` is a page (``.html``), ``results.json`` (``.json``) or a summary (``.md``); a folder gets all
        three. Raises BadInputError for another kind of file, and ReforkError if it cannot be written.
        """
        from refork_reports.formats.saving import save  # noqa: PLC0415 - templates take half a second to import

        return save(self.result, Path(path))

    def log_to_mlflow(
        self,
        uri: str | None = None,
        experiment: str | None = None,
        *,
        project: str | Path | None = None,
    ) -> "MlflowRun":
        """Log this evaluation as one run of MLflow, and return its ids. Needs ``refork[mlflow]``.

        ``uri`` is that of the tracking server (None: MLflow's own, such as ``MLFLOW_TRACKING_URI``), ``experiment`` a
        name (None: ``MLFLOW_EXPERIMENT_NAME``, or else the default experiment). ``project`` lies in the git repository
        whose commit is logged (default: the current folder). Raises BadInputError if MLflow is not installed, and
        ReforkError if the run is not taken.
        """
        from refork_reports.formats import html  # noqa: PLC0415 - templates take half a second to import
        from refork_reports.history.record import record  # noqa: PLC0415
        from refork_reports.mlflow_runs.upload import Target, upload  # noqa: PLC0415

        logged = self.result
        if logged.totals is None and not logged.history:  # of this process, and not of a file
            logged = replace(
                logged, history=(record(logged, Path.cwd() if project is None else Path(project)),)
            )
        with TemporaryDirectory(prefix="refork-") as folder:
            html.write(logged, Path(folder))
            return upload(Path(folder), Target(uri=uri, experiment=experiment))

    def append_history(self, path: str | Path, *, project: str | Path | None = None) -> Path:
        """Append this evaluation to a ``history.jsonl``, as ``pytest --agent-evals`` does, and return its path.

        ``project`` lies in the git repository whose commit is written down (default: the current folder). Raises
        BadFileError if the file cannot be written.
        """
        from refork_reports.history import file  # noqa: PLC0415 - where it is needed
        from refork_reports.history.record import record  # noqa: PLC0415

        path = Path(path)
        file.append(path, record(self.result, Path.cwd() if project is None else Path(project)))
        return path

    def __repr__(self) -> str:
        variants = {cell.variant for cell in self.result.cells}
        return f"<Evaluation: {plural(len(self.result.cases), 'case')}, {plural(len(variants), 'variant')}>"

    def __str__(self) -> str:
        from refork_reports.formats.terminal import summary  # noqa: PLC0415

        return "\n".join("".join(segment.text for segment in line) for line in summary(self.result))

    def _repr_html_(self) -> str:
        from refork_reports.formats.notebook import matrix  # noqa: PLC0415 - Jinja2, where it is shown

        return matrix(self.result)


def evaluate(
    cases: Cases = None,
    variants: Variants = None,
    *,
    trials: int | Literal["auto"] | None = None,
    db: str | None = None,
    max_cost: float | None = None,
    project: str | Path | None = None,
    progress: Progress = True,
    **settings: Any,
) -> Evaluation:
    """Rerun cases at their fork points under ``current`` and under candidates, and score the answers.

    ``cases`` are cases, or their names, folders or files (None: all of the project). ``variants`` are prompts
    (``refork.Prompt("...")``) or names of files in ``evals/prompts/`` (None: every candidate of each case's
    agent). ``trials`` is a number, or ``"auto"`` for as many as a decision takes. ``db`` is the URL of the evals
    database (default: SQLite in the user's cache directory). ``max_cost`` is in US dollars. ``project`` is the
    folder of the application (default: the current folder). ``progress`` shows the progress of the trials, or is a
    function that is called with :class:`Counts`. Any other key of ``[tool.refork]`` may be passed, such as
    ``concurrency=4``.

    Returns the results. New answers are written to ``answers.jsonl`` of the cases, so the next evaluation does not
    pay for them. DBOS runs in this process meanwhile: an application that has launched its own must destroy it
    first.

    Raises a ReforkError, such as BadInputError or BadFileError for a wrong argument or file. A case that cannot
    be measured does not raise: its cells have the verdict ``error`` or ``stale``.
    """
    chosen = chosen_settings(project, {**settings, "trials": trials, "db": db, "max_cost": max_cost})
    with shown(progress) as display:
        found = evaluate_cases(
            listed(cases), listed(variants), chosen, on_progress=display.show, on_note=display.note
        )
    return Evaluation(found, margin=margin_of(chosen.project.smallest_drop))


evaluate_async = awaited(evaluate)


def load_evaluation(*results: str | Path) -> Evaluation:
    """Load an evaluation from ``results.json``, or from folders that hold one. Several become one evaluation.

    No case, no code of the project and no model is needed. Of the same case under the same variant, the one named last
    is taken. Raises BadInputError if nothing is named, and BadFileError for a file that is missing, damaged or of a
    newer version.
    """
    from refork_reports.results_file.merge import read_merged  # noqa: PLC0415 - where it is needed
    from refork_reports.results_file.one_of_many import evaluation_of  # noqa: PLC0415

    if not results:
        raise BadInputError(
            "nothing to load: name a results.json, such as 'reports/agent-evals/results.json'"
        )
    found = evaluation_of(read_merged([Path(each) for each in results]))
    margins = [compared.margin for compared in found.comparisons]
    return Evaluation(found, margin=margins[0] if margins else MARGIN)


def chosen_settings(project: str | Path | None, overrides: Mapping[str, Any]) -> Settings:
    """Read the settings of a project under a caller's own. Raises ReforkError."""
    root = Path.cwd() if project is None else Path(project)
    config = load_config(root, overrides=overrides, option_prefix="")
    Bounds(config.min_trials, config.max_trials)
    return Settings(project=config, trials=overrides.get("trials"))


def listed(given: Any) -> list[Any] | None:
    """Return one or many of what a caller may give as a list; None stays None."""
    if given is None:
        return None
    return [given] if isinstance(given, str | Path | Case | Variant | Prompt) else [*given]
