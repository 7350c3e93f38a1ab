"""Planted secrets and innocent texts, made from seeds: what redaction is measured on."""

from support.secret_corpus.innocent import INNOCENT as _LISTED
from support.secret_corpus.planted import Planted, planted
from support.secret_corpus.written import WRITTEN, WRITTEN_INNOCENT

INNOCENT = (*_LISTED, *WRITTEN_INNOCENT)

__all__ = ["INNOCENT", "WRITTEN", "Planted", "planted"]
