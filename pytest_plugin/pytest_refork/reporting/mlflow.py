"""Logs the session to MLflow once its report is written. Nothing that goes wrong there fails a test."""

from pathlib import Path

from refork.config import Config
from refork.errors import ReforkError


class MlflowLog:
    """The upload of one session: ``line`` says which run it became, ``problem`` why it became none; else empty."""

    def __init__(self, project: Config) -> None:
        self._project = project
        self.line = ""
        self.problem = ""

    def upload(self, folder: Path, *, is_complete: bool) -> None:
        """Log the report in ``folder``, if a tracking server is named. A session that was cut short is not logged."""
        from refork_reports.mlflow_runs.apart import upload_apart  # noqa: PLC0415 - where it is needed
        from refork_reports.mlflow_runs.upload import Target  # noqa: PLC0415

        if self._project.mlflow is None or not is_complete:
            return
        target = Target(uri=self._project.mlflow, experiment=self._project.mlflow_experiment)
        try:
            run = upload_apart(folder, target)
        except ReforkError as error:
            self.problem = str(error)
        else:
            self.line = f"run {run.run_id} in experiment {run.experiment_id}"
