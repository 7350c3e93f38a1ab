"""The hooks of pytest's collection: which files and functions become items, and the summary of all items."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from refork.errors import ReforkError
from refork.records.variant import CURRENT
from refork.tool_policy.stubs import check_stubs
from refork_evals.evaluation.measured_case import Catalogue
from refork_evals.evaluation.settings import Settings

from pytest_refork.collection.case_items import CaseFileCollector
from pytest_refork.collection.hints import hints
from pytest_refork.collection.marked_functions import FIXTURE, measured_case_of, with_parameters
from pytest_refork.execution.runner import Runner, is_skipped
from pytest_refork.item_outcome import Outcomes, RequestedCell, cell_key
from pytest_refork.option_names import CASE_FILE, MARKER
from pytest_refork.reporting.estimate import estimate_lines
from pytest_refork.reporting.gate import Selection, check_update, is_everything
from pytest_refork.session_settings import is_dry, is_dry_run
from pytest_refork.xdist.worker import cases_of
from pytest_refork.xdist.worker_channel import Collected, Shared


class CollectionHooks:
    """Collects cases and marked test functions. ``order`` and ``selection`` are set once everything is collected."""

    def __init__(
        self, config: pytest.Config, settings: Settings, *, runner: Runner, shared: Shared, outcomes: Outcomes
    ) -> None:
        self.order: Sequence[str] = ()
        self.selection = Selection()
        self._config = config
        self._settings = settings
        self._catalogue = Catalogue(settings)
        self._runner = runner
        self._shared = shared
        self._outcomes = outcomes
        self._deselected = 0
        self._hints: list[str] = []

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> CaseFileCollector | None:
        if file_path.name != CASE_FILE or not self._catalogue.claims(file_path):
            return None
        read = self._catalogue.measured_case_of_file
        return CaseFileCollector.from_parent(
            parent, path=file_path, read=read, measure=self._runner.measure, outcomes=self._outcomes
        )

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        mark = metafunc.definition.get_closest_marker(MARKER)
        if mark is None:
            return
        try:
            measured_case = measured_case_of(metafunc, mark, self._catalogue)
        except ReforkError as error:
            said = f"{metafunc.definition.nodeid}: {error}"
            raise pytest.Collector.CollectError(said) from None
        requested = [
            RequestedCell(measured_case=measured_case, variant=variant.name)
            for variant in measured_case.variants
        ]
        metafunc.parametrize(
            FIXTURE, requested, ids=[each.variant for each in requested], indirect=True, scope="function"
        )

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        callspec: Any = getattr(item, "callspec", None)
        if callspec is not None and isinstance(requested := callspec.params.get(FIXTURE), RequestedCell):
            item.stash[cell_key] = with_parameters(requested, callspec.id)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._deselected += sum(cell_key in item.stash for item in items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        requested = [
            item.stash[cell_key] for item in session.items if cell_key in item.stash and not is_skipped(item)
        ]
        families = self._runner.plans.families
        families.current = sum(each.variant == CURRENT for each in requested)
        families.candidates = len(requested) - families.current
        measured_cases = {each.measured_case.name: each.measured_case for each in requested}
        if measured_cases:
            _check_stubs(self._settings)
        self.order = tuple(measured_cases)
        everything = is_everything(self._config, deselected=self._deselected)
        self.selection = Selection(cases=families.current, complete=everything)
        check_update(self._settings, self.selection)
        self._hints = hints(list(measured_cases.values()), self._runner.plans)
        self._hints += self._estimates(requested)
        self._shared.tell(Collected(cases=cases_of(session.items), hints=self._hints))

    def pytest_report_collectionfinish(self) -> list[str]:
        return self._hints if self._config.get_verbosity() > -2 else []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run nothing in a dry run. An error of collection is pytest's own to report."""
        stopped_by_errors = session.testsfailed and not session.config.option.continue_on_collection_errors
        return True if is_dry_run(self._config) and not stopped_by_errors else None

    def _estimates(self, requested: Sequence[RequestedCell]) -> list[str]:
        """Say what the selected cases take. The items report a damaged file of answers, where they run."""
        if not requested or (is_dry(self._config) and not is_dry_run(self._config)):
            return []
        try:
            return estimate_lines(self._runner.estimate(requested), by_case=is_dry_run(self._config))
        except ReforkError as error:
            if is_dry_run(self._config):
                raise pytest.UsageError(str(error)) from None
            return []


def _check_stubs(settings: Settings) -> None:
    try:
        check_stubs(settings.project.tool_policy)
    except ReforkError as error:
        raise pytest.UsageError(str(error)) from None
