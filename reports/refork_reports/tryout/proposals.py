"""Makes variants of what somebody proposes on a command line: prompts, models, settings, and what went before.

They are tried alone or crossed.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from refork.errors import BadInputError
from refork.prompts.candidates import SUFFIX, check
from refork.prompts.front_matter import FrontMatter, split
from refork.records.variant import RESERVED, USER, Variant
from refork.storage.files import read_text
from refork.storage.validation import explain
from refork.storage.yaml_text import parse_yaml
from refork.text.lines import is_name, one_line

from refork_reports.tryout.before import Before

UNCHANGED: Final = "{{ baseline }}"
"""The template of a variant that keeps the code's own prompt."""
_LARGEST_PROMPT: Final = 1_000_000
_SHOWN: Final = 60


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One value of something that is varied. ``name`` becomes a part of the variant's name."""

    name: str
    template: str | None = None
    model: str | None = None
    settings: Mapping[str, Any] | None = None
    tools: tuple[str, ...] | None = None
    path: Path | None = None
    line: int = 1
    before: Before | None = None


def variants_of(
    prompts: Sequence[str] = (),
    models: Sequence[str] = (),
    settings: Sequence[str] = (),
    tools: Sequence[str] = (),
    before: Sequence[Before] = (),
    *,
    plain: str | None = None,
) -> tuple[Variant, ...]:
    """Cross prompts, models, settings, tools and what went before into variants.

    A prompt is the path of a ``.md`` file, with front matter if it has any, or a template itself. A model is a name,
    or several separated by commas. A setting is ``key=value``, such as ``temperature=0``; a key that is given again
    is varied. ``tools`` are names separated by commas, each with a ``-`` if it is no longer offered; an empty text
    offers none. What is not given stays as the code has it. ``plain`` is the prompt of ``refork.prompt`` that is
    varied, whose variables a template may use. Raises BadInputError for a setting or name that is none,
    BadFileError for a file that cannot be read, and TemplateError for a template that cannot be rendered.
    """
    axes = [
        [_prompt(text, number) for number, text in enumerate(prompts, 1)],
        [_Part(name=_name(model), model=model) for model in _listed(models)],
        *_settings(settings),
        [_tools(text) for text in tools],
        [_Part(name=f"before-{number}", before=each) for number, each in enumerate(before, 1)],
    ]
    crossed = itertools.product(*(axis for axis in axes if axis)) if any(axes) else ()
    found = tuple(_variant(parts, plain) for parts in crossed)
    _check_names(found)
    return found


def words(variant: Variant) -> str:
    """Say what a variant changes: ``prompt 'Say fell where it fell.', model gpt-5, temperature 0``."""
    said = []
    if variant.template is not None and variant.template.strip() != UNCHANGED:
        said.append(
            f"prompt {str(variant.path)!r}"
            if variant.path is not None
            else f"prompt {one_line(variant.template, _SHOWN)!r}"
        )
    if variant.model is not None:
        said.append(f"model {variant.model}")
    said += [f"{key} {_shown(value)}" for key, value in variant.settings.items()]
    if variant.tools is not None:
        said.append(_offered(variant))
    said += [variant.changes] if variant.changes else []
    return ", ".join(said) or "the code as it is"


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _offered(variant: Variant) -> str:
    names = ", ".join(variant.named_tools)
    if not names:
        return "no tools"
    return f"without tools {names}" if variant.removes_tools else f"only tools {names}"


def _prompt(text: str, number: int) -> _Part:
    if not text.strip():
        raise BadInputError("--prompt is empty: give a prompt, or the path of a .md file")
    if not text.endswith(SUFFIX) or "\n" in text:
        return _Part(name=f"prompt-{number}", template=text)
    path = Path(text)
    if not path.is_file():
        raise BadInputError(f"--prompt {text!r} is not a file: give the path of one, or the prompt itself")
    front, template, line = split(read_text(path, inside=path.parent, limit=_LARGEST_PROMPT), path=path)
    if not is_name(path.stem) or path.stem in RESERVED:
        raise BadInputError(f"--prompt {text!r}: {path.stem!r} cannot name a variant; rename the file")
    return _Part(
        name=path.stem,
        template=template if template.strip() else UNCHANGED,
        model=front.model,
        settings=front.settings,
        tools=front.offered,
        path=path,
        line=line,
    )


def _listed(models: Sequence[str]) -> list[str]:
    found = [model.strip() for text in models for model in text.split(",")]
    if not all(found):
        raise BadInputError(
            "--model has an empty name: give names separated by commas, such as gpt-5,gpt-5-mini"
        )
    return found


def _settings(given: Sequence[str]) -> Iterator[list[_Part]]:
    values: dict[str, list[Any]] = {}
    for text in given:
        key, value = _setting(text)
        values.setdefault(key, []).append(value)
    for key, alternatives in values.items():
        yield [_Part(name=_name(f"{key}-{_shown(value)}"), settings={key: value}) for value in alternatives]


def _setting(text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    key = key.strip()
    if not sign or not key or key == "model":
        raise BadInputError(f"--set {text!r} is no setting: write key=value, such as temperature=0")
    parsed = parse_yaml(value, path=f"--set {text}").data
    try:
        checked = FrontMatter.model_validate({key: parsed})
    except ValidationError as error:
        problem = explain(error, schema=FrontMatter.model_json_schema)
        raise BadInputError(f"--set {text!r}: {problem}") from None
    return key, checked.settings[key]


def _tools(text: str) -> _Part:
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    try:
        offered = FrontMatter.model_validate({"tools": names}).offered or ()
    except ValidationError as error:
        problem = explain(error, schema=FrontMatter.model_json_schema)
        raise BadInputError(f"--tools {text!r}: {problem}") from None
    removes = bool(offered) and offered[0].startswith("-")
    listed = "-".join(name.removeprefix("-") for name in offered)
    return _Part(name=_name(f"without-{listed}" if removes else listed or "no-tools"), tools=offered)


def _variant(parts: Sequence[_Part], plain: str | None) -> Variant:
    template = next((part.template for part in parts if part.template is not None), UNCHANGED)
    first = parts[0]
    changed = next((part.before for part in parts if part.before is not None), Before())
    changes_call = any(part.before is None for part in parts)
    variant = Variant(
        name="-".join(part.name for part in parts),
        path=first.path,
        template=template if changes_call else None,
        model=next((part.model for part in reversed(parts) if part.model is not None), None),
        settings={key: value for part in parts for key, value in (part.settings or {}).items()},
        tools=next((part.tools for part in reversed(parts) if part.tools is not None), None),
        line=first.line,
        tool_results=changed.tool_results,
        step_outputs=changed.step_outputs,
        messages={} if changed.message is None else {USER: changed.message},
    )
    check(variant, plain)
    return variant


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("-._").rstrip("-.") or "other"


def _check_names(variants: Sequence[Variant]) -> None:
    names = [variant.name for variant in variants]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInputError(
            f"two of the variants would be named {twice!r}: give each prompt, model, setting and list of tools once"
        )
