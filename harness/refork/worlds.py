"""The module that conftest.py may import ``before_trial`` from; ``from refork import before_trial`` is the same."""

from refork.tool_policy.before_trial import before_trial

__all__ = ["before_trial"]
