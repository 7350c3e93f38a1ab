"""Logs a folder with a report as a run of MLflow, by MLflow's own client."""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from refork.errors import BadInputError, ReforkError
from refork.redaction.error_text import summary
from refork.redaction.process_secrets import hold
from refork.text.lines import one_line
from refork_evals.results import SuiteResult

from refork_reports.mlflow_runs import contents
from refork_reports.results_file.read import RESULTS, read
from refork_reports.results_file.rebuilt import rebuilt
from refork_reports.sentences.headline import headline

TABLE: Final = "trials.json"
FILES: Final = ("report.html", RESULTS, "summary.md")
_MOST_METRICS: Final = 500
_MOST_PARAMS: Final = 90
_DEFAULT_EXPERIMENT: Final = "0"
_NOTE: Final = 1000
_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a run is logged. ``uri`` is that of the tracking server, None for MLflow's own; so is ``experiment``."""

    uri: str | None = None
    experiment: str | None = None


@dataclass(frozen=True, kw_only=True)
class MlflowRun:
    """A run that was logged, by the ids that MLflow gave."""

    run_id: str
    experiment_id: str


def upload(folder: Path, target: Target) -> MlflowRun:
    """Log the report in ``folder`` as one run: params, metrics, prompts, the trials as a table, and the files.

    Raises BadInputError if MLflow is not installed, and ReforkError, without a secret of the URI, if the tracking
    server does not take the run; what it took until then is marked as failed.
    """
    evaluation = rebuilt(read(folder / RESULTS))
    _hold_secrets(target.uri)
    try:
        client = _client(target)
        experiment = _experiment(client, target.experiment)
        run_id = _create(client, experiment, evaluation)
    except ReforkError:
        raise
    except Exception as error:  # whatever MLflow, its HTTP client and its databases raise
        raise _refused(error, target) from None
    try:
        _log(client, run_id, evaluation, folder)
    except Exception as error:
        with suppress(Exception):
            client.set_terminated(run_id, "FAILED")
        raise _refused(error, target, run_id) from None
    return MlflowRun(run_id=run_id, experiment_id=experiment)


def _client(target: Target) -> Any:
    try:
        mlflow: Any = importlib.import_module("mlflow")
    except ImportError as error:
        raise BadInputError(
            f"MLflow cannot be imported ({one_line(str(error))}): pip install 'refork[mlflow]'"
        ) from None
    return mlflow.MlflowClient(tracking_uri=target.uri)


def _experiment(client: Any, name: str | None) -> str:
    name = name or os.environ.get("MLFLOW_EXPERIMENT_NAME")
    if not name:
        return os.environ.get("MLFLOW_EXPERIMENT_ID") or _DEFAULT_EXPERIMENT
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name))
        except Exception:
            found = client.get_experiment_by_name(name)  # another session was faster
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise ReforkError(f"MLflow's experiment {name!r} is deleted: restore it, or name another")
    return str(found.experiment_id)


def _create(client: Any, experiment: str, evaluation: SuiteResult) -> str:
    session = evaluation.history[-1] if evaluation.history else None
    tags = {"mlflow.source.name": "refork", "refork": evaluation.refork_version}
    if session is not None and session.commit is not None:
        tags["mlflow.source.git.commit"] = session.commit
    run = client.create_run(
        experiment,
        start_time=_milliseconds(evaluation, 0),
        tags=tags,
        run_name=f"agent evals {evaluation.started_at:%Y-%m-%d %H:%M}",
    )
    return str(run.info.run_id)


def _log(client: Any, run_id: str, evaluation: SuiteResult, folder: Path) -> None:
    from refork_reports.formats.markdown import plain  # noqa: PLC0415 - templates

    entities: Any = importlib.import_module("mlflow.entities")
    end = _milliseconds(evaluation, evaluation.seconds)
    values = [entities.Metric(name, value, end, 0) for name, value in contents.metrics(evaluation).items()]
    for batch in _batches(values, _MOST_METRICS):
        client.log_batch(run_id, metrics=batch)
    named = [entities.Param(name, value) for name, value in contents.params(evaluation).items()]
    for batch in _batches(named, _MOST_PARAMS):
        client.log_batch(run_id, params=batch)
    client.set_tag(run_id, "mlflow.note.content", plain(headline(evaluation).text, _NOTE))
    _log_files(client, run_id, folder, contents.prompts(evaluation))
    if table := contents.table(evaluation):
        client.log_table(run_id, table, TABLE)
    client.set_terminated(run_id, "FINISHED", end)


def _log_files(client: Any, run_id: str, folder: Path, prompts: Mapping[str, str]) -> None:
    for name in FILES:
        if (folder / name).is_file():
            client.log_artifact(run_id, str(folder / name))
    with TemporaryDirectory(prefix="refork-mlflow-") as temporary:
        for name, text in prompts.items():
            path = Path(temporary) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if prompts:
            client.log_artifacts(run_id, temporary, "prompts")


def _batches(values: Sequence[_Value], size: int) -> list[Sequence[_Value]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _milliseconds(evaluation: SuiteResult, after: float) -> int:
    return int((evaluation.started_at.timestamp() + after) * 1000)


def _hold_secrets(uri: str | None) -> None:
    """Remember what a URI holds that is not to be shown: who signs in, and what stands behind the question mark."""
    parts = _or_none(lambda: urlsplit(uri or ""))
    if parts is not None:
        hold(parts.username, parts.password, parts.query)


def _or_none(read: Callable[[], _Value]) -> _Value | None:
    try:
        return read()
    except ValueError:
        return None


def _refused(error: Exception, target: Target, run_id: str = "") -> ReforkError:
    said = summary(error, 2 * _NOTE)
    if target.uri:
        said = said.replace(target.uri, "the URI")
    what = f"MLflow's run {run_id} is incomplete" if run_id else "MLflow did not take the session"
    said = one_line(said, 300)
    return ReforkError(
        f"{what}: {said}; check the tracking server's address, your access and the experiment's name"
    )
