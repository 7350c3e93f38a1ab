"""Runs that use all of DBOS, with values of every kind, become cases; what cannot is refused by its step."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from refork.case_files.case_file import load_case
from refork.records import Step
from support.commands import run_python

SUPPORT = Path(__file__).parents[2] / "support"
SERIALIZER = """
import base64, pickle
from dbos import Serializer

class Own(Serializer):
    def name(self):
        return "own"
    def serialize(self, data):
        return "own:" + base64.b64encode(pickle.dumps(data)).decode()
    def deserialize(self, serialized_data):
        return pickle.loads(base64.b64decode(serialized_data.removeprefix("own:")))

serializer = Own()
"""
SETTINGS = '[tool.refork]\napp = "lab"\nsetup = "lab:register"\n'


def put_lab(folder: Path, *, settings: str = SETTINGS, serializer: str = "") -> Path:
    folder.mkdir(parents=True)
    shutil.copy(SUPPORT / "lab.py", folder)
    if serializer:
        (folder / "lab_db.py").write_text(serializer)
    (folder / "pyproject.toml").write_text(settings)
    return folder


def python(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    # Its own process: what an application registers is registered for good.
    return run_python(folder, *command, environment={"XDG_CACHE_HOME": str(folder / "cache")})


def produced(folder: Path, *, serializer: str = "") -> str:
    url = f"sqlite:///{folder}/production.sqlite"
    done = python(put_lab(folder, serializer=serializer), str(SUPPORT / "write_lab.py"), url)
    assert done.returncode == 0, done.stderr
    return url


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> str:
    return produced(tmp_path_factory.mktemp("lab") / "lab")


CAPTURE = """
import sys
from refork.cli import main
for name in sys.argv[2:]:
    code = main(["capture", "everything", "--db", sys.argv[1], "--step", name, "--name", name])
    print(name, code, file=sys.stderr)
"""


def capture(folder: Path, url: str, *steps: str) -> str:
    """What captures at each of these steps say. One process does them all: it takes seconds to start."""
    return python(folder, "-c", CAPTURE, url, *steps).stderr


def steps_of(folder: Path) -> dict[str, Step]:
    return {step.name.rpartition(".")[2]: step for step in load_case(folder / "evals/cases/last").run.steps}


@pytest.fixture(scope="module")
def captured(production: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The project, and what the captures at the steps ``last`` and ``opaque`` said."""
    project = put_lab(tmp_path_factory.mktemp("captured") / "project")
    return project, capture(project, production, "last", "opaque")


def test_every_operation_of_dbos_is_captured_with_its_value(captured: tuple[Path, str]) -> None:
    project, said = captured
    assert "last 0" in said
    steps = steps_of(project)
    assert {"sleep", "setEvent", "writeStream", "closeStream", "recv", "helper", "last"} <= steps.keys()
    assert steps["flaky"].output == 3
    assert steps["recv"].output == {"order": 3}
    assert steps["helper"].child_run is not None


def test_values_of_the_application_and_of_numpy_and_pandas_come_back_by_their_codecs(
    captured: tuple[Path, str],
) -> None:
    checks = """
import lab, numpy as np
lab.register()
from decimal import Decimal
from pathlib import Path
from refork import values
from refork.case_files import load_case
run = load_case(Path("evals/cases/last")).run
found = values.decode(next(s for s in run.steps if s.name.endswith("measure")).output)
assert isinstance(found["array"], np.ndarray) and found["array"].tolist() == [[1.5, 2.0]]
assert list(found["frame"]["n"]) == [1, 2]
assert found["tube"] == lab.Tube(lab.Colour.RED, Decimal("1.10"))
assert found["sample"].at.year == 2026
assert found["plain"][3] == {1, 2}
assert values.decode(run.args[0]).volume == 2
"""
    done = python(captured[0], "-c", checks)
    assert done.returncode == 0, done.stderr


def test_a_value_that_has_no_json_is_refused_by_its_step_and_type_with_what_to_register(
    captured: tuple[Path, str],
) -> None:
    project, said = captured
    assert "opaque 0" not in said
    number = steps_of(project)["opaque"].number
    assert f"step {number} ('opaque') holds lab.Opaque; types" in said
    assert "    from lab import Opaque\n" in said
    assert "    values.register(Opaque, encode=lambda value: ..., decode=lambda data: Opaque(...))\n" in said
    assert not (project / "evals/cases/opaque").exists()


@pytest.mark.slow
def test_a_database_with_a_serializer_of_its_own_is_read_by_the_one_that_is_named(tmp_path: Path) -> None:
    url = produced(tmp_path / "lab", serializer=SERIALIZER)
    settings = f'{SETTINGS}serializer = "lab_db:serializer"\n'
    project = put_lab(tmp_path / "project", settings=settings, serializer=SERIALIZER)
    assert "last 0" in capture(project, url, "last")
    output: Any = steps_of(project)["measure"].output
    assert output["plain"]["$type"] == "tuple"
