"""DBOS's own definitions of its tables, in all supported versions, and the constants that it writes into them."""

from typing import Any, Final

from dbos._schemas.system_database import SystemSchema

GET_RESULT: Final = "DBOS.getResult"
"""The name of the step with which DBOS records that a workflow waited for its child."""


def tables_of(system_database: Any) -> Any:
    """Return the tables of a system database: its own since dbos 3.1, those of the package before."""
    return getattr(system_database, "tables", SystemSchema)
