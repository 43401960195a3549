"""Bins of histograms: round values are in the bin that begins with them, and nothing is beyond the last one."""

import pytest

from mecsim.core.histogram import bin_end, histogram_bin


@pytest.mark.parametrize("width", [0.01, 0.1, 0.3, 1.0, 7.0, 1e7])
def test_round_values_are_in_the_bin_that_begins_with_them(width: float) -> None:
    """0.29 · 100 is 28.999…, and yet it is 29 hundredths."""
    for index in range(60):
        for value in (index * width, sum([width] * index), float(f"{index * width:.12g}")):
            assert histogram_bin(value, 1.0 / width, 100) == index


def test_bins_are_counted_from_0_and_the_last_one_is_open() -> None:
    found = [histogram_bin(value, 2.0, 4) for value in (0.0, 0.49, 0.5, 1.49, 1.5, 2.0, 1e12)]
    assert found == [0, 0, 1, 2, 3, 3, 3]


def test_values_below_the_end_of_a_bin_are_in_it_or_before() -> None:
    for index in range(5):
        end = bin_end(index, 3.0)
        assert histogram_bin(end * (1.0 - 1e-8), 3.0, 10) == index
        assert histogram_bin(end * (1.0 + 1e-8), 3.0, 10) == index + 1
