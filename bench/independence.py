"""How often equal answers in a row are called a sign of dependence: where trials are independent, and where not."""

import numpy as np
from refork_evals.statistics.repeats import LEVEL, repeats_p_value

KINDS = 6
"""Different answers that the model of these cells may give."""


def signs(cells: int, trials: int, *, repeated: float, seed: int) -> float:
    """The share of cells with a sign. Each answer repeats the one before it with probability ``repeated``."""
    random = np.random.default_rng(seed)
    found = 0
    for _ in range(cells):
        shares = random.dirichlet(np.ones(KINDS))
        fresh = random.choice(KINDS, trials, p=shares)
        is_repeated = random.random(trials) < repeated
        is_repeated[0] = False
        last = np.maximum.accumulate(np.where(is_repeated, 0, np.arange(trials)))
        found += repeats_p_value([str(kind) for kind in fresh[last]]) <= LEVEL
    return found / cells
