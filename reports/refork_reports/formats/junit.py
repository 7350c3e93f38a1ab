"""JUnit XML of sessions: a test suite a session, a test case a cell."""

import re
from typing import Final
from xml.etree import ElementTree as ET

from refork.records.variant import CURRENT
from refork.text.escape import escape_controls
from refork_evals.results import Verdict

from refork_reports.results_file.merge import MergedResults
from refork_reports.results_file.schema import CaseEntry, CellEntry, Results
from refork_reports.sentences.verdict_lines import verdict_line

_SUITE: Final = "agent evals"
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FAILURES: Final = frozenset({Verdict.FAIL, Verdict.DROPPED})
_ERRORS: Final = frozenset({Verdict.ERROR, Verdict.STALE})
_KINDS: Final = ("failure", "error", "skipped")


def render(evaluation: MergedResults) -> str:
    """Return the XML text. Only ``current`` and the gate fail; a candidate that does not pass is skipped."""
    suite = ET.Element("testsuite", name=_SUITE)
    for case in evaluation.cases:
        for cell in case.cells:
            suite.append(_of_cell(case, cell))
    for session in evaluation.sessions:
        if session.gate is not None:
            suite.append(_of_gate(session))
    _count(suite)
    root = ET.Element("testsuites", name=_SUITE)
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _of_cell(case: CaseEntry, cell: CellEntry) -> ET.Element:
    found = ET.Element(
        "testcase", classname=_text(case.name), name=_text(cell.variant), time=f"{cell.seconds:.3f}"
    )
    if kind := _kind(cell):
        outcome = ET.SubElement(found, kind, type=cell.verdict.value, message=_text(verdict_line(cell)))
        outcome.text = _text("\n".join(_reasons(cell)))
    return found


def _kind(cell: CellEntry) -> str:
    if cell.verdict.is_good and (cell.variant == CURRENT or cell.verdict is Verdict.PASS):
        return ""
    if cell.variant != CURRENT:
        return "skipped"
    if cell.verdict in _FAILURES:
        return "failure"
    return "error" if cell.verdict in _ERRORS else "skipped"


def _reasons(cell: CellEntry) -> list[str]:
    """Return a line for each trial that did not pass, with its reasons."""
    return [
        f"trial {trial.number}: {said}"
        for trial in cell.trials
        if not trial.passed
        for said in (
            [f"{trial.error.type}: {trial.error.message}"]
            if trial.error
            else [
                f"{score.scorer}: {score.error or score.reason}" for score in trial.scores if not score.passed
            ]
        )
    ]


def _of_gate(session: Results) -> ET.Element:
    found = ET.Element("testcase", classname="refork", name="gate", time="0.000")
    if session.gate is not None and not session.gate.passes:
        ET.SubElement(found, "failure", type="gate", message=_text(session.headline))
    return found


def _count(suite: ET.Element) -> None:
    cases = suite.findall("testcase")
    failures, errors, skipped = (str(sum(case.find(kind) is not None for case in cases)) for kind in _KINDS)
    seconds = sum(float(case.get("time", "0")) for case in cases)
    suite.attrib |= {
        "tests": str(len(cases)),
        "failures": failures,
        "errors": errors,
        "skipped": skipped,
        "time": f"{seconds:.3f}",
    }


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", escape_controls(text))
