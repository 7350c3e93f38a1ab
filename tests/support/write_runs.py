"""Writes the runs of ``shop`` into a DBOS system database, as production would.

Usage: ``python write_runs.py URL [SCHEMA]``, in a folder that holds ``shop.py``. A ``lakebase://`` URL has a port.
"""

import contextlib
import importlib
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from agents import set_default_openai_api, set_tracing_disabled
from dbos import DBOS, SetWorkflowID
from refork.production.sqlite_clock import install_sqlite_clock


def database(url: str) -> dict[str, Any]:
    if not url.startswith("lakebase://"):
        return {"system_database_url": url}
    from refork.databricks import lakebase_engine

    parts = urlsplit(url)
    endpoint, _, name = f"{parts.netloc}{parts.path}".rpartition("/")
    parameters = dict(parse_qsl(parts.query))
    engine = lakebase_engine(endpoint, name, parameters=parameters, pool_size=5)
    # A listener whose connection is cut misses what happens meanwhile, and DBOS looks again after half a minute.
    return {"system_database_engine": engine, "use_listen_notify": False}


def write(url: str, schema: str | None = None) -> None:
    config: Any = {"name": "shop", "enable_otlp": False, "application_version": "v7", **database(url)}
    if schema is not None:
        config["dbos_system_schema"] = schema
    install_sqlite_clock()
    DBOS(config=config)
    shop: Any = importlib.import_module("shop")

    DBOS.listen_queues([])
    DBOS.launch()
    DBOS.register_queue("later")
    with SetWorkflowID("quote-1"):
        shop.quote("cup", count=3)
    with SetWorkflowID("inventory-1"):
        shop.inventory(["cup", "pot"])
    with SetWorkflowID("order-1"), contextlib.suppress(shop.OutOfStockError):
        shop.order("cup")
    set_tracing_disabled(True)
    set_default_openai_api("chat_completions")
    with SetWorkflowID("report-1"):
        handle = DBOS.start_workflow(shop.report, "How were sales?")
    handle.get_result()
    with SetWorkflowID("waiting-1"):
        DBOS.enqueue_workflow("later", shop.stock, "pan")
    DBOS.destroy()


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    write(*sys.argv[1:])
