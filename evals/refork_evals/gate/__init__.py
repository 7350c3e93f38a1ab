"""The gate: compares ``current`` with the accepted baseline and sets the exit code."""

from refork_evals.gate.baseline import (
    Baseline,
    BaselineCase,
    load_baseline,
    parse_baseline,
    save_baseline,
    updated,
)
from refork_evals.gate.fingerprint import fingerprint_of
from refork_evals.gate.judge import Leniency, judge_gate

__all__ = [
    "Baseline",
    "BaselineCase",
    "Leniency",
    "fingerprint_of",
    "judge_gate",
    "load_baseline",
    "parse_baseline",
    "save_baseline",
    "updated",
]
