"""Cached answers: an answer is paid for once and reused while the request stays the same.

``answers.jsonl`` in a case's folder holds an answer a line. It is found again by a digest of everything that was
sent and by the number of the trial, so that n trials stay n measurements. Prompts that hold a date or an id are made
comparable by normalizers, registered in the module that ``setup`` names, where pytest and the command line see them::

    import re
    from refork import normalizer

    @normalizer
    def without_dates(text: str) -> str:
        return re.sub(r"\\d{4}-\\d\\d-\\d\\d", "<date>", text)
"""

from refork.answer_cache.modes import AnswersMode
from refork.answer_cache.request_keys import digest_of, forget_normalizers, normalizer, normalizers
from refork.answer_cache.store import Store, answers_file
from refork.records.cached_answer import AnswerKey, CachedAnswer

__all__ = [
    "AnswerKey",
    "AnswersMode",
    "CachedAnswer",
    "Store",
    "answers_file",
    "digest_of",
    "forget_normalizers",
    "normalizer",
    "normalizers",
]
