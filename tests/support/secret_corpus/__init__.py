"""Planted secrets and innocent texts, made from seeds: what redaction is measured on."""

from support.secret_corpus.innocent import INNOCENT
from support.secret_corpus.planted import Planted, planted

__all__ = ["INNOCENT", "Planted", "planted"]
