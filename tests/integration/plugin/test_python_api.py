"""``import refork`` in a script and in a notebook: the same measurements as under pytest, as objects."""

import importlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.commands import run_python
from support.model_server import ModelServer
from support.prepared import prepared_sessions
from support.project import Project, surroundings

PROMPT = "Write one sentence.\nBe careful.\n"

SCRIPT = """
import asyncio, json, sys
import refork

case = refork.load_case("rosy")
seen = []
found = refork.evaluate(
    case, [refork.Prompt({prompt!r}, name="mine"), refork.Prompt("{{{{ baseline }}}} Be brief.")],
    trials=12, progress=seen.append, concurrency=4,
)
frame = found.to_frame()
again = asyncio.run(refork.evaluate_async("rosy", ["careful"], trials=12, progress=False))
beside = found.compare("mine")
paths = [found.save(name).name for name in ("mine.html", "mine.json", "mine.md", "folder")]
sys.__stdout__.write(json.dumps(dict(
    case=[case.name, case.step],
    verdicts=[[case, variant, verdict] for (case, variant), verdict in found.verdicts.items()],
    winners=found.winners,
    counts=[seen[-1].done, seen[-1].scheduled],
    paid=[[each.paid.trials, each.paid.tokens] for each in seen if each.paid.trials],
    cells={{str(name): str(dtype) for name, dtype in frame.dtypes.items()}},
    rates=frame.set_index("variant")["pass_rate"].to_dict(),
    trials=len(found.to_frame("trials")),
    scores=sorted(set(found.to_frame("scores")["scorer"])),
    again=[[variant, verdict] for (_, variant), verdict in again.verdicts.items()],
    beside=[beside.change, beside.difference, beside.cases],
    paths=paths,
    text=str(found),
    html=found._repr_html_(),
)))
"""


def ran(cells: Sequence[Any], folder: Path) -> list[Any]:
    """Run a notebook in a real kernel, and return what each cell gave. The kernel starts at once, as a copy."""
    spec = Path(os.environ["JUPYTER_PATH"], "kernels/copy/kernel.json")
    spec.parent.mkdir(parents=True)
    words = [prepared_sessions().executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    found = {"argv": words, "display_name": "copy", "language": "python"}
    spec.write_text(json.dumps(found), encoding="utf-8")
    nbclient: Any = importlib.import_module("nbclient")  # typed in part only
    nbformat: Any = importlib.import_module("nbformat")
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=resources, kernel_name="copy").execute()
    return [cell.get("outputs", []) for cell in notebook.cells]


def python(project: Project, folder: Path, code: str, *, fresh: bool = False) -> Any:
    environment = {**surroundings(folder), **project.environment}
    code = f"import warnings\nwarnings.simplefilter('error')\n{code}"
    done = run_python(project.write(folder), "-c", code, environment=environment, fresh=fresh)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_script_evaluates_prompts_of_its_own_and_pays_once(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    found = python(project, tmp_path, SCRIPT.format(prompt=PROMPT), fresh=True)
    assert found["case"] == ["rosy", 5]
    assert found["verdicts"] == [
        ["rosy", "current", "fail"],
        ["rosy", "mine", "pass"],
        ["rosy", "prompt-2", "fail"],
    ]
    assert found["winners"] == {"rosy": ["mine"]}
    assert found["counts"] == [36, 36]
    assert found["paid"] == sorted(found["paid"])
    assert found["paid"][-1][0] == 36
    # The second evaluation asks the same of the same model: the file's prompt is the script's own.
    assert server.count == 36
    assert found["again"] == [["current", "fail"], ["careful", "pass"]]
    assert found["rates"] == {"current": 0.0, "mine": 1.0, "prompt-2": 0.0}
    assert (found["cells"]["verdict"], found["cells"]["pass_rate"]) == ("category", "Float64")
    assert (found["trials"], found["scores"]) == (36, ["not_contains"])
    assert found["beside"] == ["improved", 1.0, 1]
    assert found["paths"] == ["mine.html", "mine.json", "mine.md", "report.html"]
    assert json.loads((tmp_path / "mine.json").read_text())["cases"][0]["name"] == "rosy"
    assert (tmp_path / "folder/summary.md").is_file()
    assert "mine" in found["text"]
    assert "<table" in found["html"]


ESTIMATE = """
import json, sys
from dataclasses import replace
import refork

def figures(found):
    least, most = found.total.least, found.total.most
    return [least.calls, least.tokens, most.calls, most.tokens, least.cost_usd is None]

before = refork.estimate("rosy", trials="auto")
found = refork.evaluate("rosy", trials="auto", progress=False)
after = refork.estimate("rosy", trials="auto")
spent = sum(trial.trial.usage.total_tokens for cell in found.result.cells for trial in cell.trials)
paid = sum(len(cell.trials) for cell in found.result.cells)
again = refork.estimate("rosy", trials=10)

# As capture records it, where it can replay the run.
case = refork.load_case("rosy")
request = found.result.cases[0].outcome.requests["current"]
steps = tuple(replace(step, request=request) if step.number == 5 else step for step in case.run.steps)
known = refork.estimate(replace(case, run=replace(case.run, steps=steps)), trials=10)
sys.__stdout__.write("\\n" + json.dumps(dict(
    before=figures(before), after=figures(after), again=figures(again), known=str(known), spent=spent, paid=paid,
    text=str(before), html=before._repr_html_(), offline=str(refork.estimate("rosy", answers="offline")),
)))
"""


def test_an_estimate_brackets_what_the_evaluation_then_spends_and_asks_nobody(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    found = python(project, tmp_path, ESTIMATE)
    least, least_tokens, most, most_tokens, _ = found["before"]
    assert server.count == found["paid"]
    assert least <= found["paid"] <= most
    assert least_tokens <= found["spent"] <= most_tokens
    assert (least, most) == (30, 180)
    # All ten of each variant are cached by now. Without a recorded request nobody knows that it is still the same.
    assert (found["after"][0], found["again"][0], found["again"][2]) == (0, 0, 30)
    assert "in total: no call is needed, all answers are cached" in found["known"]
    assert "rosy (current, careful, terse; 30 to 180 trials): 30 to 180 calls" in found["text"]
    assert "cost – (no model is on record)" in found["text"]
    assert "<table" in found["html"]
    assert "no model is called" in found["offline"]


CAPTURE = """
import asyncio, json, sys
import refork

listed = refork.runs()
run = refork.load_run("run-")
case = asyncio.run(refork.capture_async("run-1", name="again", step=5))
loaded = refork.load_case("again")
sys.__stdout__.write("\\n" + json.dumps(dict(
    listed=[(each.id, each.workflow, each.status) for each in listed],
    failed=refork.runs(status="error", limit=1),
    prompts=[step.request.prompt for step in run.steps if step.request],
    case=[case.name, case.step, case.agent], same=loaded == case,
)))
"""


@pytest.mark.slow
def test_a_script_takes_a_run_out_of_production_and_makes_a_case_of_it(
    project: Project, production: Path, server: ModelServer, tmp_path: Path
) -> None:
    url = f"sqlite:///{production / 'production.sqlite'}"
    found = python(project.with_environment(DBOS_SYSTEM_DATABASE_URL=url), tmp_path, CAPTURE)
    assert found["listed"] == [["run-1", "report", "SUCCESS"]]
    assert found["failed"] == []
    assert len(found["prompts"]) == 3
    assert found["case"] == ["again", 5, "summarizer"]
    assert found["same"]
    assert not server.count
    assert (tmp_path / "evals/cases/again/case.yaml").is_file()


BAD_INPUT = {
    "refork.load_case('rosi')": "no case in .* is named 'rosi'; did you mean 'rosy'",
    "refork.evaluate('rosi')": "no case in .* is named 'rosi'; did you mean 'rosy'",
    "refork.evaluate('rosy', ['carefull'])": "no prompt in .* is named 'carefull'; did you mean 'careful'",
    "refork.evaluate('rosy', ['careful', refork.Prompt('x', name='careful')])": (
        "two variants are named 'careful'"
    ),
    "refork.evaluate('rosy', [refork.Prompt('{{ nobody }}')])": "'nobody' is undefined",
    "refork.evaluate('rosy', trials=0)": "'trials'",
    "refork.evaluate('rosy', patience=3)": "unknown option 'patience'",
    "refork.runs()": "db is missing: give the URL .* or set DBOS_SYSTEM_DATABASE_URL",
}

ERRORS = """
import json, sys, refork
from refork.errors import ReforkError

raised = {}
for call in CALLS:
    try:
        eval(call)
    except ReforkError as error:
        raised[call] = str(error)
sys.__stdout__.write(json.dumps(raised))
"""


def test_bad_input_is_one_sentence_and_costs_nothing(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    code = ERRORS.replace("CALLS", repr([*BAD_INPUT]))
    raised = python(project.with_environment(DBOS_SYSTEM_DATABASE_URL=""), tmp_path, code)
    for call, sentence in BAD_INPUT.items():
        assert re.search(sentence, raised.get(call, "no error")), call
        assert "\n" not in raised[call]
    assert not server.count


@pytest.mark.slow
def test_a_budget_ends_an_evaluation_and_an_offline_one_asks_nobody(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    code = (
        "import json, sys, refork\n"
        "few = refork.evaluate('rosy', [], trials=400, max_tokens=1500, concurrency=2, progress=False)\n"
        "none = refork.evaluate('rosy', ['careful'], trials=12, answers='offline', progress=False)\n"
        "cells = [*few.result.cells, *none.result.cells]\n"
        "sys.__stdout__.write('\\n' + json.dumps([[c.variant, c.verdict, c.reason, len(c.trials)] for c in cells]))"
    )
    (_, verdict, why, trials), current, careful = python(project, tmp_path, code)
    assert (verdict, "tokens were used, of at most 1,500" in why) == ("inconclusive", True)
    assert trials < 60
    assert server.count == trials
    assert current[:2] == ["current", "fail"]
    assert careful[:2] == ["careful", "error"]


def test_production_code_that_imports_refork_pays_for_nothing_of_it(tmp_path: Path) -> None:
    code = (
        "import sys, refork; refork.flag('nothing runs');"
        "heavy = {'pydantic', 'pandas', 'dbos', 'jinja2', 'click', 'asyncio'} & set(sys.modules);"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = run_python(tmp_path, "-c", code, environment=surroundings(tmp_path), fresh=True)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_found_and_documented() -> None:
    import refork

    for name in refork.__all__:
        found = getattr(refork, name)
        assert name == "__version__" or found.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = refork.nothing


CELLS = (
    "import refork",
    "evaluation = refork.evaluate('rosy', trials=12)",
    "evaluation",
    "evaluation.to_frame('trials').groupby('variant')['passed'].mean().to_dict()",
    "(await refork.evaluate_async('rosy', refork.Prompt('Be careful.', name='mine'), trials=12)).winners",
    "import pytest; int(pytest.main(['--agent-evals', '-q', '-p', 'no:cacheprovider']))",
)


def test_a_notebook_shows_the_matrix_and_the_progress(
    project: Project, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    for name, value in {**surroundings(tmp_path), **project.environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    nbformat: Any = importlib.import_module("nbformat")
    cells = [nbformat.v4.new_code_cell(code) for code in CELLS]
    _, evaluated, shown, rates, winners, tested = ran(cells, project.write(tmp_path))
    (progress,) = [each["data"]["text/plain"] for each in evaluated if each["output_type"] == "display_data"]
    assert re.fullmatch(r"36/36 trials, \$0\.\d+", progress)
    assert "<table" in shown[0]["data"]["text/html"]
    assert rates[0]["data"]["text/plain"].startswith("{'careful': 1.0, 'current': 0.0")
    assert winners[-1]["data"]["text/plain"] == "{'rosy': ('mine',)}"
    assert tested[-1]["data"]["text/plain"] == "1"
    assert os.environ["OPENAI_BASE_URL"] == server.url


@pytest.mark.slow
def test_the_example_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    examples = Path(__file__).parents[3] / "examples"
    shutil.copytree(examples, tmp_path / "examples", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    for name, value in surroundings(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ANALYST_MODEL", raising=False)
    nbformat: Any = importlib.import_module("nbformat")
    notebook = nbformat.read(tmp_path / "examples/notebook.ipynb", as_version=4)
    shown = [output for outputs in ran(notebook.cells, tmp_path / "examples") for output in outputs]
    assert any("fixes it" in output.get("data", {}).get("text/html", "") for output in shown)
    assert any(output.get("text", "").startswith("improved +100%") for output in shown)
    assert "brackets" in (tmp_path / "examples/report.html").read_text()
