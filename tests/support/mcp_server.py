"""A server of tools in a process of its own. Every call writes a line into the ledger.

``python mcp_server.py`` speaks over stdio, ``python mcp_server.py PORT`` over HTTP.
"""

import asyncio
import os
import sys
from pathlib import Path

from mcp.server import MCPServer

server = MCPServer("stock", log_level="ERROR")


@server.tool()
def count(item: str) -> str:
    """How many there are in stock."""
    with Path(os.environ["HELPDESK_LEDGER"]).open("a", encoding="utf-8") as ledger:
        ledger.write(f"count {item}\n")
    return f"3 {item}"


if __name__ == "__main__":
    if len(sys.argv) == 1:
        server.run("stdio")
    else:
        asyncio.run(server.run_streamable_http_async(port=int(sys.argv[1])))
