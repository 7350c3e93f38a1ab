"""The names under which the installed version of DBOS records its own operations."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import dbos

_NAME: Final = re.compile(rb"""["'](DBOS\.\w+)["']""")


@lru_cache(maxsize=1)
def dbos_operations() -> frozenset[str]:
    """Return the names of operations such as ``DBOS.send``. DBOS has no list of them, so its source is read."""
    (folder,) = dbos.__path__
    sources = (file.read_bytes() for file in Path(folder).glob("*.py"))
    return frozenset(name.decode() for source in sources for name in _NAME.findall(source))
