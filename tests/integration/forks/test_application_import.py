"""The order in which an application and its setup are imported, and what is said where that breaks."""

import asyncio
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from refork.dbos.application.importing import import_application, main_class
from refork.dbos.instance.off_event_loop import run_off_event_loop
from refork.errors import ApplicationError
from refork.fork.branches.replay_branch import last_of_the_code
from refork.records import Run, Step


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    known = set(sys.modules)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delenv("APP_MODEL", raising=False)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")


NEEDS_A_VARIABLE = """
    import os
    MODEL = os.environ["APP_MODEL"]
"""


def test_setup_of_another_module_comes_before_the_import(root: Path) -> None:
    write(
        root,
        needy_shop=NEEDS_A_VARIABLE,
        needy_setup='import os\ndef setup():\n    os.environ["APP_MODEL"] = "m"\n',
    )
    import_application(["needy_shop"], "needy_setup:setup", root)
    assert sys.modules["needy_shop"].MODEL == "m"


@pytest.mark.parametrize("setup", ["late_shop:setup", "late_setup:setup"])
def test_setup_that_belongs_to_the_application_finds_it_imported(setup: str, root: Path) -> None:
    write(
        root,
        late_shop="called = []\ndef setup():\n    called.append('here')\nready = True\n",
        late_setup="import late_shop\ndef setup():\n    assert late_shop.ready\n    late_shop.setup()\n",
    )
    import_application(["late_shop"], setup, root)
    assert sys.modules["late_shop"].called == ["here"]


BROKEN = {
    "a variable": (NEEDS_A_VARIABLE, ["APP_MODEL is not set", "broken_shop.py:3"]),
    "settings": (
        """
        from pydantic import BaseModel

        class Settings(BaseModel):
            ledger_token: str
            warehouse_url: str

        settings = Settings.model_validate({})
        """,
        ["ledger_token: Field required", "warehouse_url: Field required", "broken_shop.py:8"],
    ),
    "a library": (
        "import json\nrows = json.loads('{')\n",
        ["JSONDecodeError: Expecting property name", "broken_shop.py:2"],
    ),
    "syntax": ("def broken(:\n    pass\n", ["SyntaxError", "broken_shop.py:1"]),
    "an exit": (
        "import sys\nsys.exit('not as a module')\n",
        ["SystemExit: not as a module", "broken_shop.py:2"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_import_error_names_the_projects_own_line(name: str, root: Path) -> None:
    text, said = BROKEN[name]
    write(root, broken_shop=text)
    with pytest.raises(ApplicationError) as caught:
        import_application(["broken_shop"], None, root)
    message = str(caught.value)
    assert "\n" not in message
    for part in said:
        assert part in message


def test_an_error_in_setup_names_the_projects_own_line(root: Path) -> None:
    write(root, shop_of_setup="", broken_setup=f"def setup():{textwrap.indent(NEEDS_A_VARIABLE, '    ')}")
    with pytest.raises(ApplicationError, match=r"setup = .*APP_MODEL is not set .*broken_setup\.py"):
        import_application(["shop_of_setup"], "broken_setup:setup", root)


def test_a_module_below_src_is_pointed_to(root: Path) -> None:
    (root / "src" / "hidden_shop").mkdir(parents=True)
    with pytest.raises(ApplicationError, match="PYTHONPATH=src"):
        import_application(["hidden_shop"], None, root)


def test_a_definition_of_the_main_module_is_found_in_the_applications_modules(root: Path) -> None:
    write(root, main_shop="class Invoice:\n    class Line:\n        pass\n")
    import_application(["main_shop"], None, root)
    assert main_class("Invoice.Line") is sys.modules["main_shop"].Invoice.Line
    assert main_class("Missing") is None


def test_a_call_that_dbos_refuses_beside_a_loop_is_made_off_it() -> None:
    def refuses() -> str:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return "made"

    async def cell() -> str:
        return run_off_event_loop(refuses)

    assert run_off_event_loop(refuses) == "made"
    assert asyncio.run(cell()) == "made"


def test_what_such_a_call_raises_comes_out() -> None:
    async def cell() -> None:
        run_off_event_loop(lambda: dict[str, int]()["missing"])

    with pytest.raises(KeyError):
        asyncio.run(cell())


@pytest.mark.parametrize(
    ("names", "last"),
    [
        ([], 0),
        (["shop.extract"], 1),
        (["shop.extract", "DBOS.recv", "DBOS.sleep"], 2),
        (["DBOS.getEvent", "DBOS.sleep"], 1),
        (["shop.extract", "DBOS.sleep"], 2),
        (["DBOS.recv", "DBOS.sleep", "shop.extract"], 3),
    ],
)
def test_a_sleep_that_recv_wrote_for_itself_is_no_step_of_the_code(names: list[str], last: int) -> None:
    steps = tuple(Step(number=number, name=name) for number, name in enumerate(names, 1))
    assert last_of_the_code(Run(id="r", workflow="w", status="SUCCESS", steps=steps)) == last
