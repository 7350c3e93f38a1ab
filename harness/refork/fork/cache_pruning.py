"""Finds cached answers that nothing requests any more."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from refork.answer_cache.request_keys import normalizers
from refork.errors import AnswerMissingError, BadInputError, ForkError
from refork.records import Case
from refork.records.cached_answer import CachedAnswer
from refork.records.outcome import ForkStatus, Trial
from refork.records.variant import Variant
from refork.tool_policy import Action, ToolPolicy

if TYPE_CHECKING:
    from refork.fork import ForkSession


def unreachable(
    session: "ForkSession",
    case: Case,
    variants: Sequence[Variant],
    cached: Sequence[CachedAnswer],
    policy: ToolPolicy,
) -> list[CachedAnswer]:
    """Return the cached answers of ``case`` that neither the code nor a variant requests now.

    ``session`` must be offline: the case is forked and shows what it would send. Raises ForkError if the case no
    longer reaches its fork point or a variant cannot be followed to its end, and BadInputError if the digests were
    made with normalizers that are not registered.
    """
    _check_normalizers(case, cached)
    requested = _requested(session, case, variants, cached, policy)
    return [each for each in cached if not _reached(each, requested)]


def _reached(cached: CachedAnswer, requested: frozenset[str]) -> bool:
    if cached.kind == "judge":
        return cached.of is None or cached.of in requested
    return cached.digest in requested


def _requested(
    session: "ForkSession",
    case: Case,
    variants: Sequence[Variant],
    cached: Sequence[CachedAnswer],
    policy: ToolPolicy,
) -> frozenset[str]:
    # The requests of a tail depend on the answers before them, trial by trial.
    trials = max((each.trial for each in cached), default=1) if case.scope == "tail" else 1
    fork = session.fork(_without_acting(case, policy))
    for variant in variants:
        fork.run(variant, trials)
    fork.close()
    fork.wait()
    outcome = fork.outcome()
    if outcome.status is not ForkStatus.MEASURED:
        raise ForkError(f"{case.name!r}: {outcome.reason}")
    for trial in outcome.trials:
        _check_followed(case, trial)
    return session.answers.requested(case.folder)


def _check_followed(case: Case, trial: Trial) -> None:
    """Raise ForkError if a request could not be made or a tool may not act, because what follows is then unknown."""
    error = trial.error
    if error is not None and not error.own and error.type != AnswerMissingError.__name__:
        raise ForkError(
            f"{case.name!r}: variant {trial.variant!r} ended with {error.type}: {error.message}; the requests after "
            "that are unknown, so no answer of the case can be removed"
        )


def _without_acting(case: Case, policy: ToolPolicy) -> Case:
    """Return the case without permission for any tool to act, not even what pyproject.toml permits."""
    live = {rule.pattern: Action.DENY.value for rule in policy.rules if rule.action is Action.LIVE}
    return replace(case, tools={**case.tools, **live}) if case.scope == "tail" else case


def _check_normalizers(case: Case, cached: Sequence[CachedAnswer]) -> None:
    here = set(normalizers())
    gone = sorted({name for each in cached for name in each.normalizers} - here)
    if gone:
        raise BadInputError(
            f"{case.name!r}: its answers are found with the normalizer {gone[0]!r}, which is not registered here: "
            "register it in the module that `setup` of [tool.refork] names"
        )
