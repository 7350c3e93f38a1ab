"""The fixtures that exist with ``--agent-evals``."""

import pytest

from pytest_refork.execution.trial_context import CaseTrial

trial_key = pytest.StashKey[CaseTrial]()


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> CaseTrial:
    """One answer at the fork point of the case that @pytest.mark.refork names; the test is called for each."""
    given: CaseTrial | None = request.node.stash.get(trial_key, None)
    if given is None:
        pytest.fail("fixture 'trial' is for tests marked @pytest.mark.refork('<case>')", pytrace=False)
    return given
