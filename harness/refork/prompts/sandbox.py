"""Jinja2 for prompts from pull requests: no Python objects, no other files, and bounded work.

Jinja's own sandbox protects Python's internals, but does not stop ``{{ 'x' * 10**9 }}`` or nested loops. Here
everything that can grow is measured before it grows, and every repetition is charged to one budget, so any
template ends within seconds and megabytes.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, Final, cast

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from refork.text.lines import nearest


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_TEXT: Final = 1_000_000
"""The maximum number of characters of one text."""
MAX_WORK: Final = 20_000_000
"""The maximum number of characters made and steps taken in one rendering."""
STEP: Final = 100
"""The cost of a step in characters, about equal to the time that it takes."""
ITEM: Final = 10
"""The cost of a list item in characters, about equal to the memory that it takes."""
MAX_BITS: Final = 4096
"""The maximum number of bits of an integer."""

FILTERS: Final = _words(
    "abs capitalize count d default dictsort first float indent int items join last length list lower map max"
    " min reject replace reverse round select sort striptags title trim truncate unique upper wordcount"
)
"""The filters of Jinja that a prompt can use. The others reach attributes, are random, or pad without a bound."""

_OF_TEXT: Final = _words("capitalize indent lower replace striptags title trim truncate upper wordcount")

_METHODS: Final = {
    str: _words(
        "capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit islower isnumeric"
        " isspace istitle isupper join lower lstrip partition removeprefix removesuffix replace rfind rindex"
        " rpartition rsplit rstrip split splitlines startswith strip swapcase title upper"
    ),
    dict: _words("get items keys values"),
    list: _words("count index"),
    tuple: _words("count index"),
}
_REFUSED: Final[dict[type[nodes.Node], str]] = {
    nodes.Include: "{% include %} is refused: a prompt is one file",
    nodes.Import: "{% import %} is refused: a prompt is one file",
    nodes.FromImport: "{% from %} is refused: a prompt is one file",
    nodes.Extends: "{% extends %} is refused: a prompt is one file",
    nodes.ScopedEvalContextModifier: "{% autoescape %} is refused: a prompt is not HTML",
}
_CONCAT: Final = "refork_concat"
_COUNTED: Final = "refork_counted"
_BUILT: Final = "refork_built"


class TooMuchError(TemplateError):
    """A template makes more text, or takes more steps, than a prompt needs."""


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for one rendering of one template, because it counts the work that is left."""

    known_filters = FILTERS
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        # Without the optimizer: it would evaluate constants while compiling, out of any budget's reach.
        super().__init__(undefined=StrictUndefined, optimized=False, autoescape=False, finalize=_printed)
        self.work_left = MAX_WORK
        own: dict[str, Callable[..., Any]] = {
            "indent": _indent,
            "join": _join,
            "replace": _replace,
            "round": _round,
        }
        self.filters = {name: self._paid(own.get(name, self.filters[name]), name) for name in FILTERS}
        self.filters |= {_CONCAT: self._paid(_join), _BUILT: self._made, _COUNTED: self._counted}
        self.globals = {name: self.globals[name] for name in ("dict", "namespace", "range")}

    def pay(self, amount: int) -> None:
        self.work_left -= amount
        if self.work_left < 0:
            raise TooMuchError("takes too many steps, or makes too much text, for a prompt")

    def prepared(self, source: str) -> nodes.Template:
        """Return the syntax tree of ``source``, in which loops, lists and joined texts are counted as work.

        TemplateSyntaxError, with its line, for what a prompt may not hold.
        """
        tree = self.parse(source)
        for node in tree.find_all(nodes.Node):
            problem = self._problem(node)
            if problem:
                raise TemplateSyntaxError(problem, node.lineno)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = _filtered(cast(nodes.Expr, loop.iter), _COUNTED, [nodes.Const(_weight(loop))])
        _rewrite(tree)
        return tree

    def _problem(self, node: nodes.Node) -> str | None:
        if isinstance(node, nodes.For) and node.recursive:
            return "a recursive loop is refused in a prompt"
        if isinstance(node, nodes.Filter) and node.name not in self.known_filters:
            return f"a prompt has no filter {node.name!r}{nearest(node.name, self.known_filters)}"
        return _REFUSED.get(type(node))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.pay(STEP)
        _check_operands(operator, left, right)
        return self._made(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - as Jinja has it
        __self.pay(STEP + sum(map(_size, (*args, *kwargs.values()))))
        text = getattr(__obj, "__self__", None)
        if isinstance(text, str) and getattr(__obj, "__name__", "") == "replace":
            return __self._made(_replace(text, *args, **kwargs))
        if isinstance(text, str) and getattr(__obj, "__name__", "") == "join":
            return __self._made(_join(args[0] if args else (), text))
        return __self._made(super().call(__context, __obj, *args, **kwargs))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, methods in _METHODS.items():
            if isinstance(obj, kind):
                return attr in methods
        return not isinstance(obj, int | float) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Disable Jinja's own ``str.format``, which bypasses the check of attributes; a prompt has none."""

    def _made(self, result: Any) -> Any:
        size = _size(result)
        self.pay(size)
        _check_length(size)
        if isinstance(result, int) and result.bit_length() > MAX_BITS:
            raise TooMuchError("makes a number of too many digits")
        return result

    def _paid(self, function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
        # Jinja passes the context or the environment first to filters that ask for it.
        first = 1 if hasattr(function, "jinja_pass_arg") else 0

        @wraps(function)
        def paid(*args: Any, **kwargs: Any) -> Any:
            self.pay(STEP + sum(map(_size, args)))
            given = list(args)
            if name in _OF_TEXT and len(given) > first:
                given[first] = _text(given[first])
            return self._made(function(*given, **kwargs))

        return paid

    def _counted(self, items: Iterable[Any], weight: int) -> Iterator[Any]:
        for item in items:
            self.pay(weight)
            yield item


@pass_context
def _printed(context: Context, value: Any) -> Any:
    """Return what ``{{ value }}`` prints. Takes a context so that Jinja does not evaluate it at compile time."""
    if isinstance(value, Undefined):
        return value
    if value is None or not isinstance(value, str | int | float):
        hint = "join it, as in {{ items | join(', ') }}" if isinstance(value, list | tuple) else "print text"
        raise TypeError(f"a {type(value).__name__} cannot be printed; {hint}")
    environment = context.environment
    assert isinstance(environment, Sandbox), "the filter belongs to this environment"
    environment.pay(_size(value))
    return value


def _join(value: Iterable[Any], d: str = "") -> str:
    parts = [_text(item) for item in value]
    _check_length(sum(map(len, parts)) + len(d) * len(parts))
    return d.join(parts)


def _replace(s: str, old: str, new: str, count: int | None = None) -> str:
    found = s.count(old)
    if count is not None and count >= 0:
        found = min(count, found)
    _check_length(len(s) + found * max(0, len(new) - len(old)))
    return s.replace(old, new, found)


def _round(value: float, precision: int = 0) -> float:
    if abs(precision) > 20:
        raise ValueError("a number is rounded to at most 20 digits")
    return round(float(value), precision)


def _indent(s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    margin = width if isinstance(width, str) else " " * min(width, MAX_TEXT)
    lines = s.splitlines(keepends=True)
    _check_length(len(s) + len(margin) * len(lines))
    indented = [line if not (blank or line.strip()) else margin + line for line in lines]
    return "".join(indented if first else lines[:1] + indented[1:])


def _text(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)
    if not isinstance(value, str | int | float):
        raise TypeError(f"a {type(value).__name__} is not text")
    return str(value)


def _check_operands(operator: str, left: Any, right: Any) -> None:
    """Reject an operation before it runs, if it could take more memory or time than its result may."""
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


def _size(value: Any) -> int:
    """Return the number of characters and items in ``value`` and all that it contains. Stops counting at the limit."""
    total, waiting = 0, [value]
    while waiting and total <= MAX_TEXT:
        item = waiting.pop()
        total += len(item) if isinstance(item, str | range) else ITEM
        if isinstance(item, list | tuple):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
    return total


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise TooMuchError(f"makes a text of more than {MAX_TEXT:,} characters, or a list as large")


def _weight(loop: nodes.For) -> int:
    """Return the cost of one iteration of a loop: one for every node of its body, plus the text that it prints."""
    text = sum(len(data.data) for data in loop.find_all(nodes.TemplateData))
    return text + STEP * (1 + sum(1 for part in loop.body for _ in part.find_all(nodes.Expr)) // 4)


def _rewrite(node: nodes.Node) -> None:
    """Rewrite ``a ~ b`` and ``[a, b]`` as filters, because no hook of Jinja sees them."""
    for name, value in list(node.iter_fields()):
        if isinstance(value, list):
            setattr(node, name, [_rewritten(item) for item in value])
        else:
            setattr(node, name, _rewritten(value))


def _rewritten(node: Any) -> Any:
    if not isinstance(node, nodes.Node):
        return node
    _rewrite(node)
    if isinstance(node, nodes.Concat):
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), _CONCAT, [])
    if isinstance(node, nodes.List | nodes.Dict) or (isinstance(node, nodes.Tuple) and node.ctx == "load"):
        return _filtered(node, _BUILT, [])
    return node


def _filtered(node: nodes.Expr, name: str, args: list[nodes.Expr]) -> nodes.Filter:
    made = nodes.Filter(node, name, args, [], None, None, lineno=node.lineno)
    if node.environment is not None:
        made.set_environment(node.environment)
    return made
