"""Renders prompts with the application's own variables: Jinja2 in the sandbox, which here prints every value."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Template, TemplateSyntaxError, Undefined, UndefinedError, pass_context
from jinja2.runtime import Context

from refork.errors import BadFileError, BadInputError, TemplateError
from refork.prompts.sandbox import FILTERS, MAX_WORK, Sandbox
from refork.records.variant import Variant
from refork.storage.files import MEGABYTE, read_text
from refork.text.lines import is_name, one_line

SUFFIX: Final = ".md"
BASELINE: Final = "baseline"
_FENCE: Final = "---"


class AppSandbox(Sandbox):
    """The sandbox of prompts with the application's own variables. It prints all of them, as ``str`` does."""

    known_filters = FILTERS | {"tojson"}

    def __init__(self) -> None:
        super().__init__()
        self.finalize = _said
        self.filters["tojson"] = self._paid(_json)

    def compiled(self, source: str, file: str) -> Template:
        code = self.compile(self.prepared(source), filename=file)
        return self.template_class.from_code(self, code, self.make_globals(None))


class AppPrompt:
    """A compiled prompt of the application. It belongs to one thread, because its sandbox counts its work."""

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        source = read_text(file, inside=file.parent, limit=MEGABYTE)
        _refuse_front_matter(file, source)
        self._sandbox = AppSandbox()
        try:
            self._template = self._sandbox.compiled(source, self._file)
        except Exception as error:  # deep nesting, numbers that are no numbers: whatever Jinja lets through
            raise _error(self._file, 1, error) from error

    def render(self, variables: Mapping[str, Any]) -> str:
        if BASELINE in variables:
            raise BadInputError(
                f"{self._file!r}: {BASELINE!r} names the prompt itself; name the variable otherwise"
            )
        self._sandbox.work_left = MAX_WORK
        try:
            return self._template.render(variables)
        except Exception as error:  # a template can raise whatever its operators and filters raise
            raise _error(self._file, 1, error, variables) from error


def render_candidate(variant: Variant, name: str, baseline: str, variables: Mapping[str, Any]) -> str:
    """Render a candidate with the prompt's variables and ``{{ baseline }}``. Raises TemplateError."""
    if variant.template is None:
        return baseline
    file = str(variant.path) if variant.path is not None else f"variant {variant.name}"
    names = {"agent": name, "model": "", **variables, BASELINE: baseline}
    try:
        return AppSandbox().compiled(variant.template, file).render(names)
    except Exception as error:
        raise _error(file, variant.line, error, names) from error


def check_name(name: str) -> None:
    """Raise BadInputError for text that cannot be the name of a prompt's file, such as a path."""
    if not is_name(name):
        raise BadInputError(f"{name!r} cannot name a prompt; use letters, digits, '.', '_' and '-'")


def _refuse_front_matter(file: Path, source: str) -> None:
    """Reject front matter: a model named there would be ignored, because the application calls the model itself."""
    lines = source.splitlines()
    if lines and lines[0].rstrip() == _FENCE and any(line.rstrip() == _FENCE for line in lines[1:]):
        raise BadFileError(
            f"{str(file)!r}, line 1: an application's own prompt has no front matter, since "
            "refork.prompt gives its text alone; set model and settings in the code"
        )


def _error(
    file: str, first_line: int, error: Exception, known: Mapping[str, Any] | None = None
) -> TemplateError:
    line = error.lineno if isinstance(error, TemplateSyntaxError) else _line_of(error, file)
    where = repr(file) if line is None else f"{file!r}, line {line + first_line - 1}"
    return TemplateError(f"{where}: {one_line(_message(error, known), 300)}")


def _message(error: Exception, known: Mapping[str, Any] | None) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply, or calls itself"
    said = str((error.message if isinstance(error, TemplateSyntaxError) else error) or type(error).__name__)
    if isinstance(error, UndefinedError) and said.endswith("is undefined") and known is not None:
        return f"{said}; it was given {', '.join(map(repr, sorted(known))) or 'no variable'}"
    return said


def _line_of(error: BaseException, file: str) -> int | None:
    """Return the line of the template that was being rendered, which Jinja writes into tracebacks."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == file:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


@pass_context
def _said(context: Context, value: Any) -> Any:
    """Return what ``{{ value }}`` prints. Takes a context so that Jinja does not evaluate it at compile time."""
    if isinstance(value, Undefined):
        return value
    environment = context.environment
    assert isinstance(environment, Sandbox), "the filter belongs to this environment"
    return environment._made(value if isinstance(value, str | int | float) else str(value))


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(
        value, ensure_ascii=False, indent=None if indent is None else min(indent, 8), default=str
    )
