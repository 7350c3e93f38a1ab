"""Classes of the application and of agent frameworks are written without being registered; no other class is."""

import dataclasses
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic_ai.messages
import pytest
from openai.types.chat import ChatCompletion
from pydantic import TypeAdapter
from pydantic_ai.messages import (
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.run import AgentRunResult
from pydantic_ai.usage import RequestUsage, RunUsage
from refork import values
from refork.errors import ValueNotPortableError
from refork.values import Registry

APPLICATION = """
    from dataclasses import dataclass, field
    from datetime import date
    from decimal import Decimal
    from enum import Enum, Flag
    from typing import Generic, NamedTuple, TypeVar
    from pydantic import BaseModel

    class Colour(Enum):
        RED = "red"

    class Rights(Flag):
        READ = 1
        WRITE = 2

    @dataclass(frozen=True)
    class Money:
        amount: Decimal
        currency: str = "EUR"
        shown: str = field(init=False, default="")

    class Point(NamedTuple):
        x: int
        y: int

    class Invoice(BaseModel):
        day: date
        total: Money
        colour: Colour

        class Line(BaseModel):
            text: str

    Item = TypeVar("Item")

    class Box(BaseModel, Generic[Item]):
        item: Item

    class Opaque:
        pass

    ALL = [
        Colour.RED,
        Rights.READ | Rights.WRITE,
        Money(Decimal("1.50")),
        Point(1, 2),
        Invoice(day=date(2026, 1, 2), total=Money(Decimal(3)), colour=Colour.RED),
        Invoice.Line(text="a line"),
        Box[int](item=3),
        {"nested": [Point(3, 4), (Colour.RED,)]},
    ]
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "found_shop.py").write_text(textwrap.dedent(APPLICATION), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import found_shop  # type: ignore[import-not-found]

    yield found_shop
    del sys.modules["found_shop"]


def test_plain_data_of_the_application_comes_back_as_it_was(shop: Any) -> None:
    written = [Registry().encode(value) for value in shop.ALL]
    assert [Registry().decode(each) for each in written] == shop.ALL
    assert [type(Registry().decode(each)) for each in written] == [type(value) for value in shop.ALL]


def test_a_class_that_only_its_author_knows_is_refused(shop: Any) -> None:
    with pytest.raises(ValueNotPortableError, match=r"found_shop\.Opaque is not registered"):
        Registry().encode(shop.Opaque())


def _retry() -> Any:
    """What tool retries left on record, which newer versions make no more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        older: Any = pydantic_ai.messages
        return older.RetryPromptPart("again", tool_name="look_up", tool_call_id="c1")


MESSAGES = [
    ModelRequest(parts=[SystemPromptPart("be brief"), UserPromptPart("hello")]),
    ModelRequest(parts=[ToolReturnPart("look_up", {"rows": [1]}, "c1")]),
    ModelResponse(parts=[TextPart("hi"), ToolCallPart("look_up", {"key": "a"}, "c1")], model_name="m"),
    RequestUsage(input_tokens=3),
    RunUsage(requests=1, input_tokens=3),
    ChatCompletion.model_validate(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}
            ],
        }
    ),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_what_frameworks_say_comes_back_as_it_was(message: Any) -> None:
    assert Registry().decode(Registry().encode([message])) == [message]


def test_a_framework_class_around_an_object_of_the_application_comes_back_as_it_was(shop: Any) -> None:
    result: Any = AgentRunResult(shop.ALL)
    back = Registry().decode(Registry().encode(result))
    assert type(back) is AgentRunResult
    assert back.output == shop.ALL


@pytest.mark.parametrize(
    "tag",
    [
        "antigravity.Anything",  # not imported, and stays so
        "subprocess.Popen",
        "os.system",
        "dbos.DBOS",
        "refork.records.Case",
        "dataclasses.Field",
        "found_shop.Missing",
        "found_shop.Opaque",
        "found_shop.Invoice.model_dump",
        "found_shop.",
        ".",
        "",
    ],
)
def test_a_file_names_no_other_class(tag: str, shop: Any) -> None:
    with pytest.raises(ValueNotPortableError):
        Registry().decode({"$type": tag, "value": {}})
    assert "antigravity" not in sys.modules


def test_values_of_a_copy_of_a_class_are_not_taken_for_the_original(shop: Any) -> None:
    @dataclasses.dataclass
    class Local:
        amount: int

    with pytest.raises(ValueNotPortableError):
        values.encode(Local(1))


def test_a_retry_that_an_older_version_left_is_read_as_the_framework_reads_it() -> None:
    written = Registry().encode(ModelRequest(parts=[_retry()]))
    read = Registry().decode(written)
    assert read == TypeAdapter(ModelRequest).validate_python(written["value"])  # type: ignore[index,call-overload]
    assert "again" in str(read)
