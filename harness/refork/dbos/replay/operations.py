"""The names under which DBOS records what a workflow does by it, as the installed version has them."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import dbos

_NAME: Final = re.compile(rb"""["'](DBOS\.\w+)["']""")


@lru_cache(maxsize=1)
def dbos_operations() -> frozenset[str]:
    """``DBOS.send`` and the like: DBOS keeps no list of them, so its own source is read."""
    (folder,) = dbos.__path__
    sources = (file.read_bytes() for file in Path(folder).glob("*.py"))
    return frozenset(name.decode() for source in sources for name in _NAME.findall(source))
