"""What Refork needs of its hosts beyond their promises is listed, looked for, and named where it is missing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from refork.errors import HostError
from refork.hosts import HOSTS, HostLibrary, Internal, check_hosts, findings, newer_line

ROOT = Path(__file__).parents[4]
PACKAGES = {"_pytest", "agents", "dbos", "dbos_openai_agents", "openai", "pydantic_ai"}
LISTED = {place for host in HOSTS for internal in host.internals for place in internal.places}


def is_private(module: str, name: str) -> bool:
    parts = [*module.split("."), name]
    return parts[0] == "_pytest" or "run_internal" in parts or any(part.startswith("_") for part in parts)


def used(source: str) -> Iterator[str]:
    """The private names of hosts that a module takes, as ``module:name``."""
    tree = ast.parse(source)
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in PACKAGES:
            yield from (
                f"{node.module}:{name.name}" for name in node.names if is_private(node.module, name.name)
            )
        if isinstance(node, ast.Import):
            aliases |= {name.asname: name.name for name in node.names if name.asname is not None}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = aliases.get(node.value.id, "")
            if module.partition(".")[0] in PACKAGES and is_private(module, node.attr):
                yield f"{module}:{node.attr}"


def sources() -> list[Path]:
    rooms = ("harness", "evals", "reports", "pytest_plugin")
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def test_every_private_name_that_is_used_is_looked_for() -> None:
    found = {place for path in sources() for place in used(path.read_text(encoding="utf-8"))}
    assert len(found) > 15
    assert {place for place in found if not any(known.startswith(place) for known in LISTED)} == set()


def test_the_installed_libraries_lack_no_private_name() -> None:
    assert findings() == []
    assert all(not host.is_older for host in HOSTS)


@pytest.mark.parametrize(
    "place", ["json:dumps_all", "json:JSONEncoder.no_such", "no_such_module:name", "json.no:x"]
)
def test_a_missing_name_is_named_with_what_it_is_for_and_which_versions_have_it(place: str) -> None:
    host = HostLibrary(
        distribution="dbos",
        oldest="3.0",
        newest="3.4",
        internals=(
            Internal(place="json:dumps", needed="to write"),
            Internal(place=place, needed="to replay"),
        ),
    )
    with pytest.raises(HostError) as raised:
        check_hosts((host,))
    assert str(raised.value) == (
        f"dbos {host.installed} has no {place.replace(':', '.')}, which Refork needs to replay; known to work are "
        "dbos 3.0 to 3.4: install one of these, or a newer Refork"
    )


def test_a_name_that_another_version_has_instead_is_enough() -> None:
    moved = Internal(place="json:no_longer", alternatives=("json:dumps",), needed="to write")
    gone = Internal(place="json:no_longer", alternatives=("json:not_yet",), needed="to write")
    assert (moved.is_there, gone.is_there) == (True, False)
    host = HostLibrary(distribution="dbos", oldest="3.0", newest="3.4", internals=(moved, gone))
    with pytest.raises(
        HostError, match=r"has no json\.no_longer or json\.not_yet, which Refork needs to write"
    ):
        check_hosts((host,))


def test_a_host_that_is_not_installed_lacks_nothing() -> None:
    check_hosts(
        (
            HostLibrary(
                distribution="no-such",
                oldest="1.0",
                newest="1.0",
                internals=(Internal(place="x:y", needed="z"),),
            ),
        )
    )


@pytest.mark.parametrize(
    ("newest", "internals", "warns"),
    [("0.1", (Internal(place="json:dumps", needed="x"),), True), ("0.1", (), False), ("99.0", (), False)],
)
def test_a_newer_version_is_warned_of_where_something_private_of_it_is_used(
    newest: str, internals: tuple[Internal, ...], *, warns: bool
) -> None:
    host = HostLibrary(distribution="dbos", oldest="0.1", newest=newest, internals=internals)
    line = newer_line((host,))
    assert bool(line) == warns
    assert not warns or (f"dbos {host.installed} (0.1); `refork doctor`" in line)
