"""The module that a project may import ``normalizer`` from; ``from refork import normalizer`` is the same."""

from refork.answer_cache.request_keys import normalizer

__all__ = ["normalizer"]
