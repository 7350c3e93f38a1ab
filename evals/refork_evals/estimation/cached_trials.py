"""Says which trials of a case the answer cache may answer, without making the requests that it is asked with."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from refork.records.cached_answer import CachedAnswer


@dataclass(frozen=True, kw_only=True)
class TrialNumbers:
    """The numbers that the trials of a cell have in its case.

    They are None where tests before it share the case, and how many trials those take is not known yet.
    """

    fewest: range | None
    most: range | None


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """Trials of a cell that are answered from the cache.

    ``known`` are those whose answer is there if the code sends what was recorded. ``paid_least`` and ``paid_most`` are
    how many are paid for at the least and at the most; up to ``reusable`` are not.
    """

    paid_least: int
    paid_most: int
    reusable: int = 0
    known: frozenset[int] = frozenset()


class CachedTrials:
    """The cached answers of one case. ``digests`` are those of all requests that are expected."""

    def __init__(self, answers: Iterable[CachedAnswer], digests: Iterable[str]) -> None:
        expected = frozenset(digests)
        self._known: set[tuple[str, int]] = set()
        self._others: Counter[int] = Counter()
        self._replies: Counter[tuple[str | None, int]] = Counter()
        for cached in answers:
            if cached.kind == "judge":
                self._replies[cached.of, cached.trial] += 1
            elif cached.kind == "answer" and cached.digest in expected:
                self._known.add((cached.digest, cached.trial))
            else:
                self._others[cached.trial] += 1
        self._replies_left = self._replies.total()

    def reuse(
        self, digest: str | None, numbers: TrialNumbers, *, trials: tuple[int, int], calls: int
    ) -> Reuse:
        """Tell the trials of a cell that are paid for from the others. Each trial makes ``calls`` of model calls."""
        fewest, most = trials
        if numbers.most is None or numbers.fewest is None:
            held = self._others.total() + len(self._known)
            return Reuse(paid_least=max(0, fewest - held), paid_most=most, reusable=min(most, held))
        known = frozenset(number for number in numbers.most if digest and (digest, number) in self._known)
        free = known | {
            number for number in numbers.most if number not in known and self._take(number, calls)
        }
        return Reuse(
            paid_least=sum(number not in free for number in numbers.fewest),
            paid_most=most - len(known),
            reusable=len(free),
            known=known,
        )

    def known_replies(self, digest: str | None, trial: int) -> int:
        """Return how many replies of judges to the answer of this trial are cached."""
        return self._replies[digest, trial]

    def take_replies(self, calls: int) -> int:
        """Return how many of these calls of judges the cache may save, and count them as used."""
        taken = min(calls, self._replies_left)
        self._replies_left -= taken
        return taken

    def _take(self, number: int, calls: int) -> bool:
        """Use cached answers to requests that are not known. One is enough: others of the trial may be cached, too."""
        taken = min(calls, self._others[number])
        self._others[number] -= taken
        return taken > 0
