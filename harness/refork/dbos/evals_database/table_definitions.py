"""DBOS's own definitions of its tables, wherever a version keeps them, and what it writes in them."""

from typing import Any, Final

from dbos._schemas.system_database import SystemSchema

GET_RESULT: Final = "DBOS.getResult"
"""The step as which DBOS records that a workflow waited for its child."""


def tables_of(system_database: Any) -> Any:
    """The tables of a system database: its own since dbos 3.1, those of the package before."""
    return getattr(system_database, "tables", SystemSchema)
