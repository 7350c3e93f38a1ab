"""Makes variants of what somebody proposes on a command line: prompts, models and settings, alone or crossed."""

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
from refork.records.variant import RESERVED, Variant
from refork.storage.files import read_text
from refork.storage.validation import explain
from refork.storage.yaml_text import parse_yaml
from refork.text.lines import is_name, one_line

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
    path: Path | None = None
    line: int = 1


def variants_of(
    prompts: Sequence[str] = (),
    models: Sequence[str] = (),
    settings: Sequence[str] = (),
    *,
    plain: str | None = None,
) -> tuple[Variant, ...]:
    """Cross prompts, models and settings into variants.

    A prompt is the path of a ``.md`` file, with front matter if it has any, or a template itself. A model is a name,
    or several separated by commas. A setting is ``key=value``, such as ``temperature=0``; a key that is given again
    is varied. What is not given stays as the code has it. ``plain`` is the prompt of ``refork.prompt`` that is
    varied, whose variables a template may use. Raises BadInputError for a setting or name that is none,
    BadFileError for a file that cannot be read, and TemplateError for a template that cannot be rendered.
    """
    axes = [
        [_prompt(text, number) for number, text in enumerate(prompts, 1)],
        [_Part(name=_name(model), model=model) for model in _listed(models)],
        *_settings(settings),
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
    return ", ".join(said) or "the code as it is"


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


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


def _variant(parts: Sequence[_Part], plain: str | None) -> Variant:
    template = next((part.template for part in parts if part.template is not None), UNCHANGED)
    first = parts[0]
    variant = Variant(
        name="-".join(part.name for part in parts),
        path=first.path,
        template=template,
        model=next((part.model for part in reversed(parts) if part.model is not None), None),
        settings={key: value for part in parts for key, value in (part.settings or {}).items()},
        line=first.line,
    )
    check(variant, plain)
    return variant


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "other"


def _check_names(variants: Sequence[Variant]) -> None:
    names = [variant.name for variant in variants]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInputError(
            f"two of the variants would be named {twice!r}: give each prompt, model and setting once"
        )
