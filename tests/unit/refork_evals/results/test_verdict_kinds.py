"""The kinds of verdicts."""

from refork_evals.results import WORST_FIRST, Verdict


def test_a_verdict_is_good_bad_or_neither() -> None:
    assert [each.value for each in Verdict if each.is_good] == ["pass", "held"]
    assert [each.value for each in Verdict if each.is_bad] == ["fail", "dropped"]
    assert [each.value for each in Verdict if not each.is_decided] == ["inconclusive", "error", "stale"]
    assert [each.value for each in Verdict if not each.is_measured] == ["error", "stale"]


def test_every_verdict_has_its_place_in_a_list() -> None:
    assert sorted(WORST_FIRST) == sorted(Verdict)
