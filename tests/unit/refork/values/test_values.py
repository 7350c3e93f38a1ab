"""Every value is plain JSON in a file, and comes back as what it was; nothing else comes back at all."""

import builtins
import contextlib
import enum
import json
import math
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from pydantic.dataclasses import dataclass as pydantic_dataclass
from refork import values
from refork.errors import ValueNotPortableError
from refork.values import MAX_DEPTH, RecordedException, Registry
from refork.values.classes import only_looked_at


class Several(ExceptionGroup[Exception]):
    """A group of the application's own."""


class Colour(enum.Enum):
    RED = 1
    BLUE = (2, 3)


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


@dataclass(frozen=True)
class Money:
    amount: Decimal
    tags: frozenset[str] = frozenset()
    doubled: Decimal = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "doubled", self.amount * 2)


@pydantic_dataclass
class Weight:
    kilos: float


class Point(NamedTuple):
    x: int
    y: Any = None


class Order(BaseModel):
    id: uuid.UUID
    when: datetime
    lines: list[str] = []
    async_: bool | None = Field(default=None, alias="async")


class Loose(BaseModel):
    anything: Any


class Matrix:
    def __init__(self, rows: list[tuple[int, ...]]) -> None:
        self.rows = rows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matrix) and other.rows == self.rows

    __hash__ = None  # type: ignore[assignment]


@pytest.fixture
def registry() -> Registry:
    made = values.DEFAULT.copy()
    for kind in (Colour, Rights, Level, Money, Weight, Point, Order, Loose):
        made.register(kind)
    made.register(Matrix, encode=lambda matrix: matrix.rows, decode=Matrix)
    return made


def same(left: Any, right: Any) -> bool:
    """Equal, of the same types all through, with nan equal to nan and 0.0 other than -0.0."""
    return type(left) is type(right) and _same(left, right)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return len(left) == len(right) and all(map(same, left.items(), right.items()))
    if isinstance(left, set | frozenset):
        return all(any(same(item, other) for other in right) for item in left)
    if isinstance(left, BaseException):
        return same(left.args, right.args)
    if isinstance(left, datetime | time):
        return same((left.isoformat(), left.fold), (right.isoformat(), right.fold)) and same(
            str(left.tzinfo), str(right.tzinfo)
        )
    return repr(left) == repr(right) if isinstance(left, float | complex | Decimal) else bool(left == right)


TEXT = st.text(st.characters())  # lone surrogates too
ZONES = st.timezones() | st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
DECIMALS = st.decimals().filter(lambda number: not number.is_snan())  # those cannot be hashed
NUMBERS = (
    st.integers()
    | st.integers(0, 13_000).map(lambda bits: -(1 << bits))
    | st.floats()
    | DECIMALS
    | st.complex_numbers()
)
TIMES = (
    st.datetimes()
    | st.datetimes(timezones=ZONES)
    | st.dates()
    | st.times()
    | st.times(timezones=ZONES)
    | st.timedeltas()
)
PATHS = TEXT.filter(lambda text: "\0" not in text).flatmap(
    lambda text: st.sampled_from([Path(text), PurePosixPath(text), PureWindowsPath(text)])
)
HASHABLE = (
    st.none()
    | st.booleans()
    | NUMBERS
    | TEXT
    | st.binary()
    | TIMES
    | st.uuids()
    | PATHS
    | st.sampled_from(list(Colour))
    | st.sampled_from(list(Level))
    | st.builds(Rights, st.integers(0, 3))
    | st.builds(
        Money,
        st.decimals(allow_nan=False, places=2, min_value=-(10**9), max_value=10**9),
        st.frozensets(TEXT),
    )
)
LEAVES = (
    HASHABLE
    | st.binary().map(bytearray)
    | st.builds(Weight, st.floats(allow_nan=False, allow_infinity=False))
    | st.builds(Order, id=st.uuids(), when=st.datetimes(), lines=st.lists(st.text()))
    | st.builds(Matrix, st.lists(st.tuples(st.integers())))
    | st.builds(ValueError, TEXT, st.integers())
    | st.builds(FileNotFoundError, st.just(2), TEXT, TEXT)
    | st.builds(RecordedException, TEXT, TEXT)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(TEXT | st.sampled_from(["$type", "value"]), inner, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
        | st.builds(Point, st.integers(), inner)
    ),
    max_leaves=12,
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text().filter(lambda key: key != values.TAG), inner, max_size=4)
    ),
)

ALL = Registry()
for _kind in (Colour, Rights, Level, Money, Weight, Point, Order):
    ALL.register(_kind)
ALL.register(Matrix, encode=lambda matrix: matrix.rows, decode=Matrix)


@given(value=VALUES)
def test_every_value_comes_back_the_same_through_json_text(value: Any) -> None:
    text = ALL.dumps(value)
    assert "\n" not in text
    assert text.encode("utf-8")
    assert same(ALL.loads(text), value)


@given(value=PLAIN)
def test_plain_json_stands_for_itself_and_is_not_copied(value: Any) -> None:
    assert values.encode(value) is value
    assert values.decode(value) is value
    assert json.loads(values.dumps(value)) == value


@given(
    data=st.recursive(
        PLAIN,
        lambda inner: (
            st.fixed_dictionaries(
                {"$type": st.sampled_from(sorted(ALL._decoders)) | st.text(), "value": inner}
            )
            | st.dictionaries(
                st.sampled_from(["$type", "value", "type", "args", "at", "zone", "fold"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_gives_a_value_or_an_error_of_one_line(data: Any) -> None:
    problem = ""
    try:
        ALL.decode(data)
    except ValueNotPortableError as error:
        problem = str(error)
    assert "\n" not in problem


@given(text=st.text())
def test_any_text_gives_a_value_or_an_error(text: str) -> None:
    with contextlib.suppress(ValueNotPortableError):
        values.loads(text)


EXAMPLES: list[Any] = [
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    10**5000,
    -(10**5000),
    {10**5000, 1},
    True,
    "\ud800",
    "\ud83d\ude00",
    "\ud83d",
    "\\ud800é",
    {"$type": "tuple", "value": []},
    {"$type": 1},
    {1: "a", "1": "b"},
    {(1, 2): {3}},
    {"\ud800": 1},
    (),
    ((),),
    {None: None},
    b"\xff\x00",
    bytearray(b"x"),
    complex(-0.0, math.nan),
    Decimal("sNaN"),
    Decimal("-0E+9"),
    datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45, seconds=7))),
    datetime.max,
    time(1, 2, fold=1),
    time(1, tzinfo=ZoneInfo("Asia/Tokyo")),
    date.min,
    timedelta.min,
    Path("a/../b"),
    PureWindowsPath("C:\\x"),
    Colour.BLUE,
    Rights.READ | Rights.WRITE,
    Rights(0),
    Level.LOW,
    Money(Decimal("1.50")),
    Point(1),
    Weight(2.0),
    Order(id=uuid.UUID(int=1), when=datetime(2024, 1, 1)),
    KeyError("k"),
    OSError(2, "no", "file"),
    StopIteration(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    ExceptionGroup("g", [ValueError(1)]),
    SystemExit(3),
]


@pytest.mark.parametrize("value", EXAMPLES, ids=lambda value: type(value).__name__)
def test_an_odd_value_comes_back_the_same(registry: Registry, value: Any) -> None:
    back = registry.loads(registry.dumps([value]))[0]
    if isinstance(value, ExceptionGroup):
        assert (back.message, repr(back.exceptions)) == (value.message, repr(value.exceptions))
    else:
        assert same(back, value)


def test_the_order_of_keys_is_kept_and_a_set_is_always_written_the_same() -> None:
    assert values.dumps({"b": 1, "a": 2}) == '{"b":1,"a":2}'
    assert values.dumps({"b", "a", "c"}) == '{"$type":"set","value":["a","b","c"]}'


def test_fields_of_an_os_error_that_args_do_not_hold_come_back() -> None:
    assert values.decode(values.encode(FileNotFoundError(2, "gone", "a.csv"))).filename == "a.csv"


class TestExceptions:
    class OwnError(Exception):
        pass

    def test_one_of_the_applications_comes_back_with_what_of_it_can_be_written(self) -> None:
        error = self.OwnError("it broke", 3)
        error.status, error.response = 429, object()  # type: ignore[attr-defined]
        back = values.decode(values.encode(error))
        assert type(back) is self.OwnError
        assert (back.args, vars(back)) == (("it broke", 3), {"status": 429})

    def test_none_of_the_code_of_its_class_runs(self) -> None:
        class Loud(Exception):  # noqa: N818
            def __init__(self, *_: object) -> None:
                pytest.fail("called")

        vars(sys.modules[__name__])["Loud"] = Loud
        written: dict[str, Any] = {"type": f"{__name__}.Loud", "message": "x", "args": ["x"]}
        assert type(values.decode({"$type": "recorded_exception", "value": written})) is Loud

    @pytest.mark.parametrize("name", ["pydantic_core._pydantic_core.ValidationError", f"{__name__}.Several"])
    def test_one_whose_class_cannot_be_made_without_its_code_comes_back_as_a_recorded_exception(
        self, name: str
    ) -> None:
        written: dict[str, Any] = {"type": name, "message": "one of two", "args": ["one"]}
        back = values.decode({"$type": "recorded_exception", "value": written})
        assert (type(back), str(back)) == (RecordedException, f"{name}: one of two")

    @pytest.mark.parametrize(
        "name", ["no.such.Error", "builtins.SystemExit", "os.path", "refork.records.Run"]
    )
    def test_one_whose_class_is_not_imported_or_none_comes_back_as_a_recorded_exception(
        self, name: str
    ) -> None:
        written: dict[str, Any] = {"type": name, "message": "it broke", "args": ["it broke"]}
        back = values.decode({"$type": "recorded_exception", "value": written})
        assert type(back) is RecordedException
        assert (back.type_name, back.message) == (name, "it broke")

    def test_one_with_arguments_that_cannot_be_written_keeps_its_message(self) -> None:
        back = values.decode(values.encode(ValueError(Matrix([]), "x")))
        assert (back.type_name, type(back)) == ("builtins.ValueError", RecordedException)

    def test_one_whose_message_cannot_be_shown_is_still_recorded(self) -> None:
        class Mute(Exception):  # noqa: N818
            def __str__(self) -> str:
                raise RuntimeError

        assert values.decode(values.encode(Mute())).message == "(its message cannot be shown)"

    def test_a_registered_one_comes_back_itself(self, registry: Registry) -> None:
        registry.register(self.OwnError, encode=lambda error: error.args[0], decode=self.OwnError)
        assert type(registry.decode(registry.encode(self.OwnError("x")))) is self.OwnError

    def test_a_name_that_is_no_exception_is_not_called(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def called(*_: object) -> None:
            pytest.fail("called")

        monkeypatch.setattr(builtins, "eval", called)
        with pytest.raises(ValueNotPortableError, match="'eval' is not a built-in exception"):
            values.decode({"$type": "exception", "value": {"type": "eval", "args": ["1"]}})


class TestPydantic:
    def test_fields_that_were_not_set_stay_unset(self, registry: Registry) -> None:
        order = Order(id=uuid.UUID(int=1), when=datetime(2024, 1, 1))
        back = registry.decode(registry.encode(order))
        assert back == order
        assert back.model_fields_set == order.model_fields_set
        assert back.model_dump(exclude_unset=True, by_alias=True) == order.model_dump(
            exclude_unset=True, by_alias=True
        )

    def test_a_field_with_an_alias_comes_back(self, registry: Registry) -> None:
        order = Order.model_validate({"id": str(uuid.UUID(int=1)), "when": "2024-01-01", "async": True})
        assert registry.decode(registry.encode(order)).async_ is True

    def test_a_model_whose_json_says_less_is_refused(self, registry: Registry) -> None:
        with pytest.raises(
            ValueNotPortableError, match=r"Loose does not come back the same from pydantic's JSON"
        ):
            registry.encode(Loose(anything=(1, 2)))

    def test_a_model_that_is_only_looked_at_is_written_unchecked(self, registry: Registry) -> None:
        with only_looked_at():
            written = registry.encode(Loose(anything=(1, 2)))
        assert isinstance(written, dict)
        assert written["value"] == {"anything": [1, 2]}
        with pytest.raises(ValueNotPortableError):
            registry.encode(Loose(anything=(1, 2)))

    def test_a_damaged_model_is_an_error(self, registry: Registry) -> None:
        data = registry.encode(Order(id=uuid.UUID(int=1), when=datetime(2024, 1, 1)))
        assert isinstance(data, dict)
        with pytest.raises(ValueNotPortableError, match=r"it is not a '.*\.Order' \(ValueError: id: "):
            registry.decode({**data, "value": {"id": "x", "when": "2024-01-01"}})


class TestRefusals:
    def test_an_unknown_type_is_named_with_its_path_and_what_to_register(self) -> None:
        with pytest.raises(ValueNotPortableError) as caught:
            values.encode([0, 1, {"rows": Matrix([])}])
        assert str(caught.value) == (
            f"cannot write the value at '[2].rows': its type {__name__}.Matrix is not registered; call "
            "refork.values.register(Matrix) in the function that `setup` of [tool.refork] names"
        )

    @pytest.mark.parametrize("value", [Matrix([]), object(), len, int, FileNotFoundError, iter([]), ...])
    def test_a_type_that_was_not_registered_is_refused(self, value: Any) -> None:
        with pytest.raises(ValueNotPortableError, match="is not registered"):
            values.encode({"a": (value,)})

    def test_a_subclass_is_not_taken_for_its_base(self, registry: Registry) -> None:
        class Text(str):
            __slots__ = ()

        class Cash(Money):
            pass

        for value in (Text("x"), Cash(Decimal(1))):
            with pytest.raises(ValueNotPortableError, match="is not registered"):
                registry.encode(value)

    def test_a_tag_that_nobody_registered_is_named_and_imports_nothing(self) -> None:
        with pytest.raises(
            ValueNotPortableError, match=r"at '\[0\]\.a': its type 'os\.system' is not registered"
        ):
            values.decode([{"a": {"$type": "os.system", "value": ["touch pwned"]}}])

    def test_a_tag_with_other_keys_beside_it_is_refused(self) -> None:
        with pytest.raises(ValueNotPortableError, match="a type's name and a 'value' only"):
            values.decode({"$type": "tuple", "value": [], "extra": 1})

    @pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "a.b", "", "No/Where"])
    def test_a_time_zone_is_a_name_and_no_path(self, zone: str) -> None:
        with pytest.raises(ValueNotPortableError, match=r"no(t a)? time zone"):
            values.decode({"$type": "datetime", "value": {"at": "2024-01-01T00:00:00", "zone": zone}})

    def test_a_time_zone_of_the_applications_own_is_refused(self) -> None:
        class Own(tzinfo):
            def utcoffset(self, _: datetime | None) -> timedelta:
                return timedelta(0)

            def dst(self, _: datetime | None) -> None:
                return None

            def tzname(self, _: datetime | None) -> str:
                return "own"

        with pytest.raises(
            ValueNotPortableError, match=r"has the time zone class .*Own; use datetime\.timezone"
        ):
            values.encode(datetime(2024, 1, 1, tzinfo=Own()))

    def test_a_list_that_holds_itself_is_refused(self) -> None:
        cycle: list[Any] = []
        cycle.append({"again": cycle})
        with pytest.raises(ValueNotPortableError, match="nested deeper than 100 levels, or holds itself"):
            values.encode(cycle)

    def test_what_is_as_deep_as_allowed_comes_back_in_every_form(self) -> None:
        wraps: list[tuple[Callable[[Any], Any], int]] = [
            (lambda inner: [inner], 1),
            (lambda inner: {"a": inner}, 1),
            (lambda inner: (inner,), 2),
            (lambda inner: {1: inner}, 3),
        ]
        for wrap, levels in wraps:
            value: Any = 0
            for _ in range(MAX_DEPTH // levels):
                value = wrap(value)
            assert values.loads(values.dumps(value)) == value

    def test_json_that_is_too_deep_is_refused(self) -> None:
        for text in ("[" * 600 + "]" * 600, "[" * 100_000):
            with pytest.raises(ValueNotPortableError):
                values.loads(text)

    @pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "1 2", "'x'", "9" * 5000])
    def test_text_that_is_not_json_is_refused(self, text: str) -> None:
        with pytest.raises(ValueNotPortableError, match="it is not JSON"):
            values.loads(text)


class TestRegistering:
    def test_a_copy_can_be_added_to_without_changing_the_original(self) -> None:
        copy = values.DEFAULT.copy()
        copy.register(Matrix, encode=lambda matrix: matrix.rows, decode=Matrix)
        assert copy.decode(copy.encode(Matrix([(1,)]))).rows == [(1,)]
        with pytest.raises(ValueNotPortableError):
            values.encode(Matrix([(1,)]))

    def test_the_name_is_what_stands_in_the_file(self) -> None:
        registry = Registry()
        registry.register(Colour, name="colour")
        assert registry.encode(Colour.RED) == {"$type": "colour", "value": "RED"}

    def test_the_same_type_can_be_registered_again(self) -> None:
        registry = Registry()
        registry.register(Colour)
        registry.register(Colour, name="colour")
        assert registry.encode(Colour.RED) == {"$type": "colour", "value": "RED"}

    @pytest.mark.parametrize("name", ["tuple", "exception", "str", "colour", ""])
    def test_a_name_that_is_taken_is_refused(self, name: str) -> None:
        registry = Registry()
        registry.register(Colour, name="colour")
        with pytest.raises(ValueNotPortableError, match="is taken"):
            registry.register(Level, name=name)

    def test_a_class_of_no_known_kind_needs_an_encoder_and_a_decoder(self) -> None:
        with pytest.raises(
            ValueNotPortableError, match=r"'Matrix' is not an Enum, .* both encode= and decode="
        ):
            Registry().register(Matrix)
        with pytest.raises(ValueNotPortableError, match="needs both"):
            Registry().register(Matrix, encode=str)

    def test_a_dataclass_that_does_not_keep_an_argument_needs_them_too(self) -> None:
        @dataclass
        class Once:
            seed: InitVar[int]

        with pytest.raises(
            ValueNotPortableError, match=r"the dataclass '.*Once' does not keep its argument 'seed'"
        ):
            Registry().register(Once)

    def test_an_encoder_that_raises_is_named(self) -> None:
        registry = Registry()
        registry.register(Matrix, encode=lambda matrix: matrix.nope, decode=Matrix)
        with pytest.raises(
            ValueNotPortableError, match=r"at '\[0\]': encode of .*Matrix raised AttributeError"
        ):
            registry.encode([Matrix([])])

    def test_types_can_be_registered_while_other_threads_write(self) -> None:
        registry = Registry()
        kinds = [make_dataclass(f"Kind{n}", ["size"]) for n in range(200)]
        failures: list[Exception] = []

        def write() -> None:
            try:
                for _ in range(300):
                    assert registry.loads(registry.dumps([(1, 2)] * 10)) == [(1, 2)] * 10
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        for kind in kinds:
            registry.register(kind)
        for thread in threads:
            thread.join()
        assert failures == []
        assert all(registry.decode(registry.encode(kind(1))) == kind(1) for kind in kinds)
