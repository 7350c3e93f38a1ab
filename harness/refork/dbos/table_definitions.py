"""DBOS's own definitions of its tables, wherever a version keeps them."""

from typing import Any

from dbos._schemas.system_database import SystemSchema


def tables_of(system_database: Any) -> Any:
    """The tables of a system database: its own since dbos 3.1, those of the package before."""
    return getattr(system_database, "tables", SystemSchema)
