"""Packs trials and cases as data that the page's script draws when they are looked at.

The data is JSON, compressed with zlib and written in base64, so it holds no markup: ``strings`` are all texts, each
once; ``controls`` names the characters that were spelled out; ``cells`` are the groups of trials by the anchor of
their cell; ``bodies`` are the nodes of cases by their anchor, each as JSON of its own, so that only what is opened is
read; ``pairs`` are the differences of two variants by the anchor of their case, or by "" over all cases. Within a group
every integer is a place in ``strings``, save the number of a trial.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final

from refork.redaction.process_secrets import hiding
from refork.text import numbers as humanize
from refork.text.escape import clipped, control_titles, escape_controls
from refork_evals.results import CaseResult, Cell, Score, ScoredTrial

from refork_reports.sentences.marked_text import MarkedText, Part
from refork_reports.views.cell_facts import request_json, rerun_command
from refork_reports.views.differences import Differences
from refork_reports.views.trials.node_tree import node_tree
from refork_reports.views.trials.placed_cells import PlacedCell
from refork_reports.views.trials.trial_groups import Block, TrialGroup, outcome_of, trial_groups

MARK: Final = "\x00"
"""Stands before a character that is spelled out. A text cannot contain it: its own are spelled out, too."""

BEGIN, WORDS, END = "\x01", "\x02", "\x03"
"""Stand around words that decided a score: BEGIN, what they make of which scorer, WORDS, the words, END. A text cannot
contain them either.
"""


class _Strings:
    """Gives each text its place in a list that holds it once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self.controls: dict[str, str] = {}

    def place(self, text: str | MarkedText) -> int:
        shown = self._escaped(text) if isinstance(text, str) else "".join(map(self._part, text.parts))
        return self._places.setdefault(shown, len(self._places))

    def _escaped(self, text: str) -> str:
        shown = escape_controls(text, mark=MARK)
        if MARK in shown:
            self.controls |= control_titles(text)
        return shown

    def _part(self, part: Part) -> str:
        shown = self._escaped(part.text)
        return f"{BEGIN}{part.outcome} {part.scorer}{WORDS}{shown}{END}" if part.outcome else shown

    @property
    def texts(self) -> list[str]:
        return list(self._places)


_NOTHING: Final = Differences(variants=(), margin=0.0, found=())


def packed(
    cells: Iterable[PlacedCell], bodies: Mapping[str, str], differences: Differences = _NOTHING
) -> str:
    """Return the trials of all cells, the markup of cases by their anchors, and the differences, as base64."""
    strings, hide = _Strings(), hiding()  # what writes the page sees no secret in what is packed
    found = {
        placed.anchor: _cell(strings, placed.result, placed.cell) for placed in cells if placed.cell.trials
    }
    data = {
        "cells": found,
        "variants": [strings.place(name) for name in differences.variants],
        "margin": differences.margin,
        "pairs": _pairs(differences),
        "bodies": {anchor: hide(_dumped(node_tree(markup))) for anchor, markup in bodies.items()},
        "strings": strings.texts,
        "controls": strings.controls,
    }
    return b64encode(zlib.compress(hide(_dumped(data)).encode("ascii"), 9)).decode("ascii")


def _dumped(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _cell(strings: _Strings, result: CaseResult, cell: Cell) -> Mapping[str, Any]:
    return {
        "variant": strings.place(cell.variant),
        "command": strings.place(rerun_command(result, cell)),
        "request": strings.place(request_json(cell.request)),
        "figures": _figures(cell),
        "groups": [_group(strings, group) for group in trial_groups(result.case, cell)],
    }


def _figures(cell: Cell) -> list[Any]:
    """Return passes, measured trials, dollars and seconds of a measured trial, and whether the verdict is a good one,
    or a bad one; None for what is not known.
    """
    verdict = cell.verdict.is_good if cell.verdict.is_decided else None
    if not cell.measured:
        return [0, 0, None, None, verdict]
    cost = None if cell.cost_usd is None else float(f"{cell.cost_usd / cell.measured:.4g}")
    return [cell.passes, cell.measured, cost, float(f"{cell.seconds / cell.measured:.4g}"), verdict]


def _pairs(differences: Differences) -> Mapping[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {}
    place = {name: at for at, name in enumerate(differences.variants)}
    for each in differences.found:
        shares = [round(share, 4) for share in (each.difference, each.low, each.high)]
        pair = [place[each.left], place[each.right], each.cases, *shares]
        found.setdefault(each.case_anchor, []).append([*pair, *each.passed_left, *each.passed_right])
    return found


def _group(strings: _Strings, group: TrialGroup) -> Mapping[str, Any]:
    return {
        "outcome": group.outcome,
        "said": strings.place(group.said),
        "repeated": strings.place(group.repeated),
        "body": [[block[0], *_packed(strings, block[1:])] for block in group.body],
        "trials": [_trial(strings, scored) for scored in group.trials],
    }


def _packed(strings: _Strings, block: Block) -> list[Any]:
    return [
        part
        if isinstance(part, bool)
        else strings.place(part)
        if isinstance(part, str | MarkedText)
        else _packed(strings, part)
        for part in block
    ]


def _trial(strings: _Strings, scored: ScoredTrial) -> Mapping[str, Any]:
    trial = scored.trial
    return {
        "number": trial.number,
        "took": strings.place(humanize.duration(trial.seconds) if trial.answer else ""),
        "facts": strings.place(_facts(scored)),
        "resumed": trial.resumed,
        "scores": [_score(strings, score) for score in scored.scores],
    }


def _facts(scored: ScoredTrial) -> str:
    trial = scored.trial
    facts = [trial.model] if trial.model else []
    if trial.usage is not None:
        usage = trial.usage
        facts.append(f"{humanize.tokens(usage.input_tokens)} in, {humanize.tokens(usage.output_tokens)} out")
        facts.append("no price known" if scored.cost_usd is None else humanize.money(scored.cost_usd))
    if trial.resumed:
        facts.append("kept from a session that was stopped")
    return " · ".join(facts)


def _score(strings: _Strings, score: Score) -> list[Any]:
    reason = clipped(score.error or score.reason or "no reason given")[0]
    value = "" if score.value is None else f"value {humanize.number(score.value)}"
    return [outcome_of(score.passed), *map(strings.place, (score.scorer, reason, value))]
