"""Jinja2 for prompts that come in pull requests: no Python objects, no other files, and bounded work.

Jinja's own sandbox keeps templates from Python's internals, but not from ``{{ 'x' * 10**9 }}``, nor from
loops in loops. Here everything that can grow is measured before it grows, and everything that can repeat
is paid for out of one budget, so that a template ends within seconds and megabytes whatever stands in it.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

MAX_TEXT: Final = 1_000_000
"""Characters of one text."""
MAX_WORK: Final = 20_000_000
"""Characters made and steps taken in one rendering."""
STEP: Final = 100
"""What a step costs, in characters: about what it takes in time."""
MAX_BITS: Final = 4096
"""Of an integer."""

FILTERS: Final = frozenset(
    "abs capitalize count d default dictsort first float indent int items join last length list lower map max"
    " min reject replace reverse round select sort striptags sum title trim truncate unique upper wordcount"
    " wordwrap".split()
)
"""The filters of Jinja that a prompt has. The others reach attributes, draw lots, or pad without a bound."""

_METHODS: Final = {
    str: frozenset(
        "capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit islower isnumeric"
        " isspace istitle isupper join lower lstrip partition removeprefix removesuffix replace rfind rindex"
        " rpartition rsplit rstrip split splitlines startswith strip swapcase title upper".split()
    ),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
}
_REFUSED: Final = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_CONCAT: Final = "refork_concat"
_COUNTED: Final = "refork_counted"


class TooMuchError(TemplateError):
    """A template makes more text, or takes more steps, than a prompt can need."""


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for one rendering of one template: the work that is left belongs to it."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        # Without the optimizer: it would evaluate constants while compiling, out of any budget's reach.
        super().__init__(undefined=StrictUndefined, optimized=False, autoescape=False, finalize=_printed)
        self.work_left = MAX_WORK
        own: dict[str, Callable[..., Any]] = {"join": _join, "replace": _replace, "indent": _indent}
        filters = {name: own.get(name, self.filters[name]) for name in FILTERS}
        self.filters = {name: self._paid(function) for name, function in filters.items()}
        self.filters |= {_CONCAT: self._paid(_concat), _COUNTED: self._counted}
        self.globals = {name: self.globals[name] for name in ("dict", "namespace", "range")}

    def pay(self, amount: int) -> None:
        self.work_left -= amount
        if self.work_left < 0:
            raise TooMuchError("takes too many steps, or makes too much text, for a prompt")

    def prepared(self, source: str) -> nodes.Template:
        """The syntax tree of ``source``, in which loops and joined texts are paid for."""
        tree = self.parse(source)
        for node in list(tree.find_all(nodes.Node)):
            if isinstance(node, _REFUSED):
                raise _refusal(f"{{% {_tag(node)} %}} is refused: a prompt is one file", node)
            if isinstance(node, nodes.For) and node.recursive:
                raise _refusal("a recursive loop is refused in a prompt", node)
            if isinstance(node, nodes.Filter) and node.name not in self.filters:
                raise _refusal(f"no filter {node.name!r} in a prompt; known: {', '.join(sorted(FILTERS))}", node)
            if isinstance(node, nodes.For):
                node.iter = _filtered(node.iter, _COUNTED, [nodes.Const(_weight(node))])
        _replace_concats(tree)
        return tree

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.pay(STEP)
        _check_operands(operator, left, right)
        result = super().call_binop(context, operator, left, right)
        self.pay(_size(result))
        return _bounded(result)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - as Jinja has it
        __self.pay(STEP + sum(map(_size, args)))
        text = getattr(__obj, "__self__", None)
        if isinstance(text, str) and getattr(__obj, "__name__", "") == "replace":
            return __self._made(_replace(None, text, *args, **kwargs))
        if isinstance(text, str) and getattr(__obj, "__name__", "") == "join":
            return __self._made(_join(None, *args, d=text, **kwargs))
        return __self._made(super().call(__context, __obj, *args, **kwargs))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, methods in _METHODS.items():
            if isinstance(obj, kind):
                return attr in methods
        return not isinstance(obj, int | float) and super().is_safe_attribute(obj, attr, value)

    def _made(self, result: Any) -> Any:
        self.pay(_size(result))
        return _bounded(result)

    def _paid(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def paid(*args: Any, **kwargs: Any) -> Any:
            self.pay(STEP + sum(map(_size, args)))
            return self._made(function(*args, **kwargs))

        return paid

    def _counted(self, items: Iterable[Any], weight: int) -> Iterator[Any]:
        for item in items:
            self.pay(weight)
            yield item


@pass_context
def _printed(context: Context, value: Any) -> Any:
    """What ``{{ value }}`` prints. Jinja evaluates nothing early where this needs a context."""
    if isinstance(value, Undefined):
        return value
    if value is None or not isinstance(value, str | int | float):
        hint = "join it, as in {{ items | join(', ') }}" if isinstance(value, list | tuple) else "print text"
        raise TypeError(f"a {type(value).__name__} cannot be printed; {hint}")
    environment = context.environment
    assert isinstance(environment, Sandbox), "the filter belongs to this environment"
    environment.pay(_size(value))
    return value


def _join(_: Any, value: Iterable[Any], d: str = "", attribute: Any = None) -> str:
    if attribute is not None:
        raise TypeError("join takes no attribute in a prompt")
    parts = [_text(item) for item in value]
    _check_length(sum(map(len, parts)) + len(d) * len(parts))
    return d.join(parts)


def _replace(_: Any, s: Any, old: str, new: str, count: int = -1) -> str:
    text = _text(s)
    found = text.count(old) if count is None or count < 0 else min(count, text.count(old))
    _check_length(len(text) + found * max(0, len(new) - len(old)))
    return text.replace(old, new, found)


def _indent(s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    margin = width if isinstance(width, str) else " " * min(width, MAX_TEXT)
    lines = s.splitlines(keepends=True)
    _check_length(len(s) + len(margin) * len(lines))
    kept = [line if not (blank or line.strip()) else margin + line for line in lines]
    return "".join(kept if first else lines[:1] + kept[1:])


def _concat(parts: list[Any]) -> str:
    return _join(None, parts)


def _text(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)
    if not isinstance(value, str | int | float):
        raise TypeError(f"a {type(value).__name__} is not text")
    return str(value)


def _check_operands(operator: str, left: Any, right: Any) -> None:
    """Refuse, before it is done, what could take more memory or time than the result may."""
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if operator == "%" and not numbers:
        raise TypeError("text cannot be formatted by %; join texts by ~")
    if operator == "**" and numbers and abs(right) * max(1, _bits(left)) > MAX_BITS:
        raise TooMuchError("makes a number of too many digits")
    if operator == "*" and not numbers:
        sizes = [len(side) if isinstance(side, str | list | tuple) else int(side) for side in (left, right)]
        _check_length(sizes[0] * sizes[1])
    if operator == "+" and not numbers:
        _check_length(_size(left) + _size(right))


def _bits(value: int | float) -> int:
    return value.bit_length() if isinstance(value, int) else 1


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise TooMuchError("makes a number of too many digits")
    _check_length(_size(value))
    return value


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict | range) else 1


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise TooMuchError(f"makes a text of more than {MAX_TEXT:,} characters")


def _weight(loop: nodes.For) -> int:
    """What one turn of a loop costs: a step for every node of its body, and the text that it prints."""
    text = sum(len(data.data) for data in loop.find_all(nodes.TemplateData))
    return text + STEP * (1 + sum(1 for part in loop.body for _ in part.find_all(nodes.Expr)) // 4)


def _replace_concats(node: nodes.Node) -> None:
    """``a ~ b`` as a filter, because no operator's hook sees it."""
    for name, value in list(node.iter_fields()):
        if isinstance(value, nodes.Concat):
            setattr(node, name, _filtered(nodes.List(value.nodes, lineno=value.lineno), _CONCAT, []))
        elif isinstance(value, list):
            new = [
                _filtered(nodes.List(item.nodes, lineno=item.lineno), _CONCAT, [])
                if isinstance(item, nodes.Concat)
                else item
                for item in value
            ]
            setattr(node, name, new)
    for child in node.iter_child_nodes():
        _replace_concats(child)


def _filtered(node: nodes.Expr, name: str, args: list[nodes.Expr]) -> nodes.Filter:
    made = nodes.Filter(node, name, args, [], None, None, lineno=node.lineno)
    made.set_environment(node.environment) if node.environment else None
    return made


def _tag(node: nodes.Node) -> str:
    return {"FromImport": "from"}.get(type(node).__name__, type(node).__name__.lower())


def _refusal(message: str, node: nodes.Node) -> Exception:
    from jinja2 import TemplateSyntaxError

    return TemplateSyntaxError(message, node.lineno)


__all__ = ["FILTERS", "Sandbox", "SecurityError", "TooMuchError"]
