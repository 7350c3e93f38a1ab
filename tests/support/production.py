"""Production databases for tests: real runs of ``shop``, written by a DBOS in another process."""

import hashlib
import json
import re
import shutil
from pathlib import Path

from support.commands import run_python
from support.model_server import Call, ModelServer, Received, Reply

HERE = Path(__file__).parent
FINISHED = ("quote-1", "inventory-1", "order-1", "report-1")


def write_runs(url: str, folder: Path, *, schema: str | None = None) -> None:
    """Run the workflows of ``shop`` once each, with ``url`` as their system database."""
    put_shop(folder)
    with ModelServer(answer) as server:
        environment = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
        words = str(HERE / "write_runs.py"), url, *([schema] if schema else [])
        done = run_python(folder, *words, environment=environment)
    assert done.returncode == 0, done.stderr


def answer(request: Received) -> Reply:
    """Two queries side by side, then a handoff, then a summary."""
    if request.instructions.startswith("Summarize"):
        return Reply(text="Revenue rose by 12%.\nMore.", input_tokens=300, cached_tokens=100)
    if request.turn == 0:
        return Reply(calls=(Call("run_sql", {"query": "SELECT 1"}), Call("run_sql", {"query": "SELECT 2"})))
    return Reply(calls=(Call("transfer_to_summarizer"),))


def put_shop(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "shop.py", folder)


def put_project(folder: Path, *, app: bool) -> Path:
    """A project of a user's, with or without ``[tool.refork] app``."""
    put_shop(folder)
    (folder / "pyproject.toml").write_text('[tool.refork]\napp = "shop"\n' if app else "")
    return folder


def files_of(folder: Path) -> dict[str, str]:
    """Every file in ``folder`` with a digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def desk_answer(request: Received) -> Reply:
    """Looks the order up that the ticket names, then answers."""
    if request.turn == 0:
        number = int(re.findall(r"order (\d+)", json.dumps(request.body))[0])
        return Reply(calls=(Call("find_order", {"order": number}),))
    return Reply(text="Your order is on its way.", input_tokens=200)


def put_desk(folder: Path, *, settings: str = 'app = "desk"\n', **modules: str) -> Path:
    """A project whose application is ``desk``. ``modules`` are more of its files, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "mishaps.py", folder / "desk.py")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "pyproject.toml").write_text(f"[tool.refork]\n{settings}")
    return folder


def write_mishaps(url: str, folder: Path) -> None:
    """Run the workflows of ``desk``, one of them to no end, with ``url`` as their system database."""
    with ModelServer(desk_answer) as server:
        environment = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none", "DESK_HOLDS": "60"}
        done = run_python(folder, str(HERE / "write_mishaps.py"), url, environment=environment)
    assert done.returncode == 0, done.stderr
