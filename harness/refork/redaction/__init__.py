"""Replaces secrets and personal data in everything that is written or shown.

:class:`Redactor` replaces them in the values of a run, :func:`refork.redaction.texts.without_secrets` in a text.
"""

from refork.redaction.detectors.personal import KINDS
from refork.redaction.detectors.spans import PLACEHOLDER
from refork.redaction.redactor import Redactor, Replaced, Where, checked_kinds, without

__all__ = ["KINDS", "PLACEHOLDER", "Redactor", "Replaced", "Where", "checked_kinds", "without"]
