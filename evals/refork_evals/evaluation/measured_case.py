"""Pairs cases with the variants that they are measured under."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from refork.case_files.case_file import CASE_FILE, load_case
from refork.case_files.finding import case_file_named
from refork.errors import BadFileError, BadInputError
from refork.prompts.candidates import PLAIN, find_variants, load_variants
from refork.records import Case
from refork.records.variant import CURRENT, Variant, current, prompt_folder
from refork.text.lines import nearest
from refork.tool_policy.conversation import with_users

from refork_evals.evaluation.settings import Settings
from refork_evals.gate import fingerprint_of
from refork_evals.plans.planning import bounds_of
from refork_evals.results import Fingerprint
from refork_evals.scorers.expectations import parse_expectations
from refork_evals.scorers.protocol import Scorer


@dataclass(frozen=True, kw_only=True)
class MeasuredCase:
    """A case as one test measures it, with the test's own name and the test's settings of trials.

    ``variants`` has ``current`` first. ``scorers`` is empty where a test function judges. ``place`` is what pytest
    is given to run it again.
    """

    case: Case
    variants: tuple[Variant, ...]
    fingerprint: Fingerprint
    scorers: tuple[Scorer, ...] = ()
    place: str = ""

    @property
    def name(self) -> str:
        return self.case.name

    def variant(self, name: str) -> Variant:
        return next(variant for variant in self.variants if variant.name == name)


class Catalogue:
    """The cases of a project, each read once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cases: dict[Path, Case] = {}
        self._places: dict[str, str] = {}

    def claims(self, file: Path) -> bool:
        """Return whether a ``case.yaml`` belongs to Refork: it is inside the folder of cases, or next to a recorded
        run.
        """
        return file.is_relative_to(self._settings.project.cases) or (file.parent / "run.json").is_file()

    def measured_case_of_file(self, file: Path) -> MeasuredCase:
        """Read a ``case.yaml`` and return the case to measure. Raises ReforkError."""
        return self.measured(self._load(file))

    def measured(self, case: Case, variants: Sequence[Variant] | None = None) -> MeasuredCase:
        """Return a case with the candidates in its folder of prompts, or with these ``variants``. Raises
        ReforkError.
        """
        case = self._with_users(case)
        scorers = parse_expectations(case)
        candidates = find_variants(case, self._settings.project.prompts) if variants is None else variants
        self._reserve(case)
        place = os.path.relpath(case.folder / CASE_FILE, self._settings.project.root)
        return self._measured_case(
            case, candidates, fingerprint_of(case, scorers), scorers=scorers, place=place
        )

    def measured_case_of_test(
        self,
        name: str,
        *,
        test: str,
        place: str,
        function: Callable[..., Any],
        variants: Sequence[str] | None,
        trials: int | Literal["auto"] | None,
        min_pass_rate: float | None,
    ) -> MeasuredCase:
        """Return the measured case of the test function ``test`` at ``place``, its node id. Raises ReforkError."""
        case = self.named(name)
        short = f"{case.name}::{test}"
        taken = self._places.setdefault(short, place) != place
        case = dataclasses.replace(
            case,
            name=f"{case.name}::{place}" if taken else short,
            trials=trials or case.trials,
            min_pass_rate=min_pass_rate or case.min_pass_rate,
        )
        fingerprint = fingerprint_of(case, (), test=function)
        return self._measured_case(case, self.candidates(case, variants), fingerprint, place=place)

    def _load(self, file: Path) -> Case:
        if file not in self._cases:
            self._cases[file] = self._with_users(load_case(file))
        return self._cases[file]

    def _with_users(self, case: Case) -> Case:
        run = with_users(case.run, self._settings.project.tool_policy)
        return dataclasses.replace(case, run=run)

    def named(self, name: str) -> Case:
        """Return the case of this name. Raises ReforkError."""
        return self._load(case_file_named(name, self._settings.project.cases))

    def candidates(self, case: Case, names: Sequence[str] | None) -> tuple[Variant, ...]:
        """Return the candidates of these names, or all. Raises BadInputError for a name that no prompt has."""
        root = self._settings.project.prompts
        if names is None:
            return find_variants(case, root)
        known = {
            variant.name: variant
            for variant in load_variants(root, case.agent or "", plain=case.run.framework == PLAIN)
        }
        for name in names:
            if name not in known and name != CURRENT:
                folder = root / prompt_folder(case.agent or "")
                raise BadInputError(f"no prompt in {str(folder)!r} is named {name!r}{nearest(name, known)}")
        return tuple(known[name] for name in names if name != CURRENT)

    def _reserve(self, case: Case) -> None:
        folder = str(case.folder)
        other = self._places.setdefault(case.name, folder)
        if other != folder:
            raise BadFileError(f"{folder!r}: {other!r} is named {case.name!r} too; rename one of the folders")

    def _measured_case(
        self,
        case: Case,
        candidates: Sequence[Variant],
        fingerprint: Fingerprint,
        *,
        scorers: tuple[Scorer, ...] = (),
        place: str,
    ) -> MeasuredCase:
        chosen = self._settings.candidates
        tried = [each for each in candidates if chosen is None or each.name in chosen]
        case = dataclasses.replace(case, trials=self._settings.trials or case.trials)
        bounds_of(case, self._settings.defaults)
        return MeasuredCase(
            case=case,
            variants=(current(), *tried),
            fingerprint=fingerprint,
            scorers=scorers,
            place=place,
        )
