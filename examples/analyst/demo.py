"""The main job, from failing runs in production to a green suite: ``make demo`` runs this.

It works in a copy of this folder (``.demo/`` at the top of the repository). The model's answers are recorded
ones, replayed over HTTP by ``model_server.py``; ``--model-url`` asks a live endpoint instead.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent
WORK = EXAMPLE.parent.parent / ".demo"
PRODUCTION = f"sqlite:///{WORK / 'production.sqlite'}"
WINNERS = {"analyst": "duckdb", "summarizer": "brackets"}
"""The candidates that are taken over: the report says so, and a person decides."""

QUESTION = (
    *("refork", "try", "west-revenue@6", "--prompt", "evals/prompts/summarizer/brackets.md"),
    *("--expect", "not: {regex: increas|grew|growth|rose}", "-n", "10"),
)
"""What is asked about the misleading summary before it is a case."""

DRAWS = 11
"""Answers to keep of every request: one in production, ten trials."""

SECTION = " agent evals "
PASSED, FAILED = 0, 1


@dataclass(frozen=True)
class Case:
    """A case as the example keeps it: what to capture, and what a person wrote into its case.yaml."""

    name: str
    run: str
    step: int
    guard: bool
    text: str


def kept_cases() -> list[Case]:
    cases: list[Case] = []
    for folder in sorted((EXAMPLE / "evals" / "cases").iterdir()):
        text = (folder / "case.yaml").read_text(encoding="utf-8")
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))["run"]["id"]
        lines = [line.strip() for line in text.splitlines()]
        step = next(int(line.split()[1]) for line in lines if line.startswith("step:"))
        cases.append(Case(folder.name, run, step, "guard: true" in lines, text))
    return cases


def main() -> int:
    options = options_of()
    began = time.monotonic()
    shutil.rmtree(WORK, ignore_errors=True)
    with endpoint(options) as model:
        environment = {**os.environ, **model, "DBOS_SYSTEM_DATABASE_URL": PRODUCTION}
        return Demo(environment, live=options.model_url is not None).run(began)


class Demo:
    """One pass through the whole story. ``live`` answers are new draws, so the story may go another way."""

    def __init__(self, environment: Mapping[str, str], *, live: bool) -> None:
        # Where a plugin shuffles tests, the story is told in its order all the same.
        self._environment = {**environment, "PYTEST_ADDOPTS": "-p no:randomly"}
        self._live = live
        self._project = WORK / "analyst"
        copy_project(self._project)

    def run(self, began: float) -> int:
        cases = kept_cases()
        self._say("1. Five questions in production. Each is a durable run; three of them go wrong.")
        self._show("python", "-m", "analyst.production")
        self._show("refork", "runs")
        self._say("2. Would another prompt have helped? A question needs no file.")
        self._show(*QUESTION)
        self._say(
            "3. The failures become cases, and so do two runs that went well: the fix must not break them."
        )
        for case in cases:
            self._capture(case)
        self._say("4. Fork each case at its bad step, and rerun only that step under every prompt.")
        red = self._evaluate("reports/red")
        self._say(f"5. Take the winning prompts over: {self._take_over()}.")
        green = self._evaluate("reports/green")
        as_told = (red.status, green.status) == (FAILED, PASSED)
        if not as_told:
            self._say(
                f"pytest ended with {red.status}, then {green.status}; the recorded story is 1, then 0."
            )
        print(
            f"\n{red.section}\n\nAfter the prompts were taken over ({time.monotonic() - began:.0f} s in all):\n"
        )
        print(green.section)
        return 0 if as_told or (self._live and {red.status, green.status} <= {PASSED, FAILED}) else 1

    def _capture(self, case: Case) -> None:
        guard = ["--guard"] if case.guard else []
        command = ["refork", "capture", case.run, "--step", str(case.step), "--name", case.name, *guard]
        done = self._run(*command)
        print(f"$ {' '.join(command)}")
        if done.returncode != 0:
            if not self._live:
                sys.exit(done.stdout + done.stderr)
            print(f"  the live run went another way: {done.stderr.strip()}")
            return
        print(f"  {done.stdout.strip().splitlines()[0]}")
        # What a person writes into case.yaml after looking at the run: the expectations.
        (self._project / "evals" / "cases" / case.name / "case.yaml").write_text(case.text, encoding="utf-8")

    def _evaluate(self, report: str) -> "Evaluated":
        command = ["pytest", "--agent-evals", f"--agent-evals-report={report}"]
        print(f"$ {' '.join(command)}", flush=True)
        done = self._run("python", "-m", *command)
        page = self._project / report / "report.html"
        if not page.is_file():
            sys.exit(done.stdout + done.stderr)
        before, section, status = _split(done.stdout)
        print(f"{before}\n{status}")
        return Evaluated(done.returncode, section.replace(f"{report}/report.html", str(page)))

    def _take_over(self) -> str:
        moved: list[str] = []
        for agent, winner in WINNERS.items():
            candidate = Path("evals") / "prompts" / agent / f"{winner}.md"
            prompt = Path("analyst") / "prompts" / f"{agent}.md"
            (self._project / candidate).replace(self._project / prompt)
            moved.append(f"mv {candidate} {prompt}")
        return "; ".join(moved)

    def _say(self, text: str) -> None:
        print(f"\n{text}\n", flush=True)

    def _show(self, *command: str) -> None:
        print(f"$ {shlex.join(command)}", flush=True)
        done = self._run(*command)
        print(done.stdout.rstrip())
        if done.returncode != 0:
            sys.exit(done.stderr)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / program), *arguments]
        return subprocess.run(
            command, cwd=self._project, env=self._environment, capture_output=True, text=True, check=False
        )


@dataclass(frozen=True)
class Evaluated:
    """How ``pytest --agent-evals`` ended, and the section that it printed."""

    status: int
    section: str


def _split(output: str) -> tuple[str, str, str]:
    """What pytest printed before the section of agent evals, the section, and the last line."""
    lines = output.rstrip().splitlines()
    start = next((number for number, line in enumerate(lines) if SECTION in line), len(lines))
    end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith("=")), len(lines))
    return "\n".join(lines[:start]), "\n".join(lines[start + 1 : end]), lines[-1]


def copy_project(project: Path) -> None:
    ignored = shutil.ignore_patterns(
        "cases", "recordings", "tests", "demo.py", "model_*.py", "__pycache__", "*.sqlite"
    )
    shutil.copytree(EXAMPLE, project, ignore=ignored)


@contextmanager
def endpoint(options: argparse.Namespace) -> Generator[dict[str, str]]:
    """The environment that names a model: a live endpoint's, or the stand-in server's."""
    if options.model_url is not None and options.record is None:
        model = {"ANALYST_MODEL": options.model} if options.model else {}
        yield {
            "OPENAI_BASE_URL": options.model_url,
            "OPENAI_API_KEY": os.environ.get("OPENAI_API_KEY", "none"),
            **model,
        }
        return
    recordings = options.record or EXAMPLE / "recordings" / "answers.jsonl"
    command = [sys.executable, str(EXAMPLE / "model_server.py"), "--recordings", str(recordings)]
    if options.record is not None:
        command += ["--record", "--draws", str(DRAWS), "--upstream", options.model_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            if not url:
                sys.exit(f"{command[1]} did not start")
            yield {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
        finally:
            server.terminate()


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model-url", metavar="URL", help="a live OpenAI-compatible endpoint, ending in /v1")
    parser.add_argument("--model", metavar="NAME", help="what the live endpoint calls its model")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="keep what --model-url answers where FILE has too few answers",
    )
    options = parser.parse_args(arguments)
    if options.record is not None and options.model_url is None:
        parser.error("--record needs --model-url")
    return options


if __name__ == "__main__":
    sys.exit(main())
