"""pytest --agent-evals-mlflow where MLflow does not take the session: a warning, and nothing else."""

from pathlib import Path

from support.model_server import ModelServer
from support.project import Project, case_yaml

REFUSES = """
    from pathlib import Path

    with Path("uploads.txt").open("a") as file:
        file.write("one\\n")

    class MlflowClient:
        def __init__(self, tracking_uri):
            raise PermissionError(f"403 for {tracking_uri}")
    """
URI = "https://ann:s3cret-of-ann-77@mlflow.example.com"


def test_a_refused_upload_is_one_warning_and_changes_neither_the_tests_nor_the_exit_code(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    server.latency = 0.0
    files = {
        "evals/cases/rosy/case.yaml": case_yaml(rest="trials: 2\nvariants: []"),
        "fakes/mlflow.py": REFUSES,
    }
    tried = project.with_files(files).with_environment(PYTHONPATH=str(tmp_path / "fakes"))
    done = tried.run(tmp_path, "--agent-evals", "--agent-evals-mlflow", URI)
    assert done.code == 0, done.output
    assert done.counts == {"passed": 1}
    (line,) = [line for line in done.output.splitlines() if line.startswith("mlflow:")]
    assert "did not take the session: PermissionError: 403" in line
    assert (tmp_path / "uploads.txt").read_text() == "one\n"
    written = [path.read_bytes() for path in (tmp_path / "reports").rglob("*") if path.is_file()]
    assert not any(b"s3cret-of-ann-77" in text for text in [*written, done.output.encode()])
