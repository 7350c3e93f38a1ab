"""What adapters of other packages import from ``refork.testing``."""

import pytest
import refork.testing


def test_the_former_name_of_the_sample_still_works_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="is named ConformanceSample"):
        assert refork.testing.Sample is refork.testing.ConformanceSample


def test_a_name_that_never_was_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Samples'"):
        _ = refork.testing.Samples
