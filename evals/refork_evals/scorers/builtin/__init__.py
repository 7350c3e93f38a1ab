"""The built-in scorers, one or a few related ones per file. A new module in this folder is discovered.

A class of :class:`refork_evals.scorers.builtin.base.BuiltIn` that names its ``kind`` is the scorer of that name.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final, cast

from refork_evals.scorers import registry
from refork_evals.scorers.builtin.base import BuiltIn

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

BUILT_IN: Final = cast("dict[str, type[BuiltIn]]", registry.BUILT_IN)
"""The built-in scorers by their names in ``case.yaml``."""
