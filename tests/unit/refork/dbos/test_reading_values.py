"""Values as DBOS stored them: pickles, portable JSON, and what can be neither read nor written."""

import base64
import pickle
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from refork import values
from refork.dbos.reader.values import Unreadable, as_json, read_error, read_input, read_value, reading_values
from refork.errors import ValueNotPortableError


class Unregistered:
    def __init__(self, amount: int) -> None:
        self.amount = amount

    def __repr__(self) -> str:
        return f"Unregistered(amount={self.amount})"


class Hidden:
    pass


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class LeavesError(Exception):
    def __reduce__(self) -> tuple[object, ...]:
        return (sys.exit, (3,))


def pickled(value: object) -> str:
    return base64.b64encode(pickle.dumps(value)).decode()


def problem(value: object) -> str:
    assert isinstance(value, Unreadable)
    return value.problem


@pytest.mark.parametrize("serialization", ["py_pickle", None])
def test_pickles_are_read(serialization: str | None) -> None:
    assert read_value(pickled((1, Decimal("2.50"))), serialization) == (1, Decimal("2.50"))
    assert read_value(None, serialization) is None


def test_portable_json_is_read() -> None:
    assert read_value('{"a": [1, null]}', "portable_json") == {"a": [1, None]}


def test_arguments_are_read_in_both_forms() -> None:
    assert read_input(pickled({"args": (1,), "kwargs": {"a": 2}}), "py_pickle") == ((1,), {"a": 2})
    assert read_input('{"positionalArgs":[1],"namedArgs":{"a":2}}', "portable_json") == ((1,), {"a": 2})
    assert read_input('{"namedArgs":null}', "portable_json") == ((), {})


def test_arguments_that_retention_swept_are_missing_not_empty() -> None:
    assert problem(read_input(None, "py_pickle")) == "is no longer in the database; retention swept it"


def test_another_serializer_is_named() -> None:
    assert "the serializer 'msgpack'" in problem(read_value("...", "msgpack"))


@pytest.mark.parametrize("text", ["%%%", "", base64.b64encode(b"\x80\x04junk").decode()])
def test_damaged_pickles_are_said_to_be_so(text: str) -> None:
    assert problem(read_value(text, "py_pickle")).startswith("cannot be read: ")


def test_a_pickle_of_a_missing_module_names_it() -> None:
    text = base64.b64encode(b"\x80\x04\x8c\x07no.such\x8c\x05Thing\x93)\x81.").decode()
    assert "needs the module 'no'" in problem(read_value(text, "py_pickle"))


def test_a_pickle_that_ends_the_process_does_not() -> None:
    assert "SystemExit" in problem(read_value(pickled(LeavesError()), "py_pickle"))


def test_an_error_of_a_missing_module_keeps_its_name_and_message() -> None:
    text = base64.b64encode(b"\x80\x04\x8c\x07no.such\x8c\x05Thing\x93\x8c\x04gone\x85R.").decode()
    error, raised = read_error(text, "py_pickle")
    assert (error.type, error.message, raised) == ("no.such.Thing", "gone", None)


def test_errors_are_read_in_both_forms() -> None:
    error, raised = read_error(pickled(ValueError("no")), "py_pickle")
    assert (error.type, error.message) == ("ValueError", "no")
    assert isinstance(raised, ValueError)
    assert isinstance(values.decode(error.value), ValueError)
    portable, _ = read_error('{"name": "Teapot", "message": "short"}', "portable_json")
    assert (portable.type, portable.message) == ("Teapot", "short")


def test_an_error_without_a_text_is_still_an_error() -> None:
    error, _ = read_error(pickled(UnprintableError()), "py_pickle")
    assert error.type.endswith("UnprintableError")


def test_half_a_surrogate_pair_in_a_message_becomes_text() -> None:
    error, _ = read_error(pickled(ValueError("a\udc80")), "py_pickle")
    assert error.message == "a\\udc80"


def test_a_value_that_cannot_be_written_is_shown_with_what_to_register() -> None:
    encoded, found = as_json(Unregistered(3))
    assert found is not None
    assert "Unregistered is not registered; call refork.values.register(Unregistered)" in found.problem
    assert found.types == (Unregistered,)
    assert isinstance(encoded, dict)
    placeholder = encoded["value"]
    assert isinstance(placeholder, dict)
    assert placeholder["text"] == "Unregistered(amount=3)"
    with pytest.raises(ValueNotPortableError, match="it is not in the case: it cannot be written as JSON"):
        values.decode(encoded)


def test_all_types_of_a_value_that_want_registering_are_named_at_once_those_within_others_too() -> None:
    class Outer:
        def __init__(self) -> None:
            self.inner = [Unregistered(1), {"deep": Hidden()}]

    _, found = as_json({"a": Outer(), "b": Unregistered(2)})
    assert found is not None
    assert set(found.types) == {Outer, Unregistered, Hidden}


def test_unpickling_neither_launches_dbos_nor_prints_to_our_output(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from refork.dbos.reader.values import read_value, reading_values\n"
        "import base64\n"
        "text = base64.b64encode(b'\\x80\\x04\\x8c\\x06launch\\x8c\\x05Thing\\x93)\\x81.').decode()\n"
        "with reading_values(): value = read_value(text, 'py_pickle')\n"
        "print(type(value).__name__, end='')\n"
        "from dbos import DBOS\n"
        "import dbos._dbos as module\n"
        "assert not module._dbos_global_instance._launched\n"
    )
    app = (
        "from dbos import DBOS\nprint('noise')\n"
        "DBOS(config={'name': 'app'})\nDBOS.launch()\nclass Thing: pass\n"
    )
    (tmp_path / "launch.py").write_text(app)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Thing"
    assert "noise" in done.stderr
    assert "launched" not in done.stderr


def test_reading_values_restores_what_it_replaced() -> None:
    out = sys.stdout
    with reading_values():
        assert sys.stdout is sys.stderr
    assert sys.stdout is out
