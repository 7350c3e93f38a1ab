"""100,000 mutated answers through the real clients and our reading: each becomes an answer, a failure or an error."""

import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from support.fuzz.reading import READERS, Found, read

EACH = 20_000
AT_ONCE = 1_000


def _part(place: int, first: int) -> Found:
    return read(READERS[place], range(first, first + AT_ONCE))


def test_no_answer_hangs_a_trial_or_breaks_refork() -> None:
    began = time.monotonic()
    parts = [(place, first) for first in range(0, EACH, AT_ONCE) for place in range(len(READERS))]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_part, *zip(*parts, strict=True)))
    ends = sum((each.ends for each in found), Counter[str]())
    wrong = [line for each in found for line in each.wrong]
    slowest = max(each.slowest for each in found)
    print(
        f"\n{sum(ends.values()):,} mutated answers in {time.monotonic() - began:.0f} s, {len(wrong)} wrong, "
        f"the slowest {slowest:.2f} s: {dict(ends.most_common())}"
    )
    assert not wrong, "\n".join(wrong[:20])
    assert sum(ends.values()) == EACH * len(READERS)
