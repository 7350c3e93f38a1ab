"""The module that conftest.py may import ``stub`` from; ``from refork import stub`` is the same."""

from refork.tool_policy.stubs import stub

__all__ = ["stub"]
