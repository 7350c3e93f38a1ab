"""Loads candidate prompts, which are Jinja2 templates: those of an agent, one file each.

``{{ baseline }}`` is the prompt as the code has it at that step (empty where it has none), ``{{ agent }}``
and ``{{ model }}`` are names. The files come in pull requests: see :mod:`refork.prompts.sandbox`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import TemplateSyntaxError, UndefinedError, meta

from refork.case_files.case_file import CASE_FILE
from refork.errors import BadFileError, TemplateError
from refork.prompts.app_prompts import AppSandbox
from refork.prompts.front_matter import split
from refork.prompts.sandbox import Sandbox
from refork.records import Case, Request
from refork.records.variant import RESERVED, ChangedVariant, Variant, prompt_folder
from refork.storage.files import MEGABYTE, read_text, refuse_outside
from refork.text.lines import is_name, nearest, one_line

SUFFIX: Final = ".md"
PLAIN: Final = "dbos"
"""The framework of runs whose steps call a model themselves, with prompts from ``refork.prompt``."""
NAMES: Final = ("agent", "baseline", "model")
"""The names that a template can use."""

_TEMPLATE: Final = "<prompt>"


def load_variants(root: Path, agent: str, *, plain: bool = False) -> tuple[Variant, ...]:
    """Return the candidates of ``agent``, sorted by name: every ``.md`` file of its folder in ``root``.

    ``root`` is the folder of all prompts, by default ``evals/prompts``. Hidden files and subfolders are ignored;
    without a folder there are no candidates. ``plain`` candidates may be for a prompt of ``refork.prompt`` and
    then have the application's variables, too. Raises BadFileError for a file that is not allowed or cannot be
    read, and TemplateError for one that does not parse.
    """
    folder = root / prompt_folder(agent)
    if not folder.is_dir():
        return ()
    refuse_outside(folder, root)
    try:
        files = sorted(path for path in folder.iterdir() if _is_candidate(path))
    except OSError as error:
        raise BadFileError(f"{str(folder)!r} cannot be read: {error.strerror}") from error
    return tuple(_load(path, agent if plain else None) for path in files)


def find_variants(case: Case, root: Path) -> tuple[Variant, ...]:
    """Return the candidates that ``case`` names and its own variants, in its order, or all candidates of its agent.

    BadFileError names the case file, the nearest variant and the folder, where one is not there.
    """
    plain = case.run.framework == PLAIN
    known = load_variants(root, case.agent, plain=plain) if case.agent is not None else ()
    if case.variants is None:
        return known
    by_name = {variant.name: variant for variant in known}
    for each in case.variants:
        name = each if isinstance(each, str) else each.prompt
        if name is not None and name not in by_name:
            raise BadFileError(_unknown(name, case, root, tuple(by_name)))
        if not isinstance(each, str) and each.name in by_name:
            raise BadFileError(
                f"{str(case.folder / CASE_FILE)!r}: 'variants' has a variant named {each.name!r}, and a candidate "
                "has that name too; name the variant otherwise"
            )
    return tuple(
        by_name[each] if isinstance(each, str) else _changed(each, by_name) for each in case.variants
    )


def _changed(each: ChangedVariant, known: Mapping[str, Variant]) -> Variant:
    return each.variant if each.prompt is None else each.with_candidate(known[each.prompt])


def check(variant: Variant, plain: str | None = None) -> None:
    """Raise TemplateError if the template does not parse, or uses a name that no prompt has.

    ``plain`` is the prompt of ``refork.prompt`` that it is for: only its caller knows the variables.
    """
    if variant.template is None:
        return
    sandbox = Sandbox() if plain is None else AppSandbox()
    try:
        tree = sandbox.prepared(variant.template)
        sandbox.compile(tree, filename=_TEMPLATE)
        unknown = meta.find_undeclared_variables(sandbox.parse(variant.template)) - {*NAMES, *sandbox.globals}
    except Exception as error:  # deep nesting, numbers that are no numbers: whatever Jinja lets through
        raise _template_error(variant, error) from error
    if unknown and plain is None:
        raise _undefined(variant, min(unknown))


def render(variant: Variant, *, baseline: str | None, request: Request) -> str:
    """Return the prompt that ``variant`` makes of ``baseline``, without one trailing line break.

    ``current`` leaves the baseline as it is. TemplateError names the file and the line.
    """
    if variant.template is None:
        return baseline or ""
    sandbox = Sandbox()
    names = {"baseline": baseline or "", "agent": request.agent or "", "model": request.model or ""}
    try:
        code = sandbox.compile(sandbox.prepared(variant.template), filename=_TEMPLATE)
        template = sandbox.template_class.from_code(sandbox, code, sandbox.make_globals(None))
        return template.render(names)
    except Exception as error:  # a template can raise whatever its operators and filters raise
        raise _template_error(variant, error) from error


def _is_candidate(path: Path) -> bool:
    return path.suffix == SUFFIX and not path.name.startswith(".") and not path.is_dir()


def _load(path: Path, plain: str | None) -> Variant:
    name = path.stem
    if name.lower() in RESERVED:
        raise BadFileError(
            f"{str(path)!r}: {name!r} needs no file and may not have one: it is "
            "what the code or the recording says; rename the file"
        )
    if not is_name(name):
        raise BadFileError(
            f"{str(path)!r}: {name!r} cannot name a variant; use letters, digits, '.', '_' and '-'"
        )
    front, template, line = split(read_text(path, inside=path.parent, limit=MEGABYTE), path=path)
    if not template.strip():
        template = _empty(path, has_overrides=bool(front.model_fields_set))
    variant = Variant(
        name=name,
        path=path,
        template=template,
        model=front.model,
        settings=front.settings,
        tools=front.offered,
        line=line,
    )
    check(variant, plain)
    return variant


def _empty(path: Path, *, has_overrides: bool) -> str:
    if not has_overrides:
        raise TemplateError(f"{str(path)!r} is empty: write a prompt into it, or {{{{ baseline }}}}")
    return "{{ baseline }}"


def _unknown(name: str, case: Case, root: Path, known: tuple[str, ...]) -> str:
    file = case.folder / CASE_FILE
    if case.agent is None:
        return f"{str(file)!r}: 'variants' names {name!r}, but no agent; set 'fork.agent'"
    folder = root / prompt_folder(case.agent)
    found = nearest(name, known) or "; that folder holds no variants"
    return (
        f"{str(file)!r}: 'variants' names {name!r}, and there is no {str(folder / (name + SUFFIX))!r}{found}"
    )


def _template_error(variant: Variant, error: Exception) -> TemplateError:
    line = error.lineno if isinstance(error, TemplateSyntaxError) else _line_of(error)
    return TemplateError(f"{_at(variant, line)}: {one_line(_message(error), 300)}")


def _message(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply, or calls itself"
    message = str(
        (error.message if isinstance(error, TemplateSyntaxError) else error) or type(error).__name__
    )
    if isinstance(error, UndefinedError) and message.endswith("is undefined"):
        return f"{message}; a prompt has {', '.join(NAMES)}"
    return message


def _undefined(variant: Variant, name: str) -> TemplateError:
    source = (variant.template or "").splitlines()
    line = next((number for number, text in enumerate(source, 1) if name in text), None)
    return TemplateError(f"{_at(variant, line)}: {name!r} is undefined{nearest(name, NAMES)}")


def _at(variant: Variant, line: int | None) -> str:
    where = repr(str(variant.path)) if variant.path is not None else f"variant {variant.name!r}"
    return where if line is None else f"{where}, line {line + variant.line - 1}"


def _line_of(error: BaseException) -> int | None:
    """Return the line of the template that was being rendered, which Jinja writes into tracebacks."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == _TEMPLATE:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


__all__ = ["NAMES", "SUFFIX", "check", "find_variants", "load_variants", "render"]
