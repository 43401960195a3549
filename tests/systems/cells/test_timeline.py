"""What an episode of cells looks like adds up to what its records tell."""

import numpy as np
import pytest
from hypothesis import given, settings

from mecsim.core.timeline import Dots, Lines
from mecsim.systems.cells.timeline import timeline
from tests.systems.cells.cells import Case, cases, play


@settings(max_examples=30, deadline=None)
@given(cases())
def test_blocks_add_up_to_busy_blocks_and_ratings_are_of_all_requests(case: Case) -> None:
    records = play("batched", case).records
    for row in range(len(case.tapes)):
        shown = timeline(records, case.tapes, case.scenario, row, 0)
        blocks, ratings, places = shown.parts
        assert isinstance(blocks, Lines)
        assert isinstance(ratings, Dots)
        assert isinstance(places, Dots)
        held_block_s = (blocks.values * np.diff(blocks.edges_s)).sum()
        assert held_block_s == pytest.approx(records.busy_block_s[row].sum(), rel=1e-6, abs=1e-6)
        assert blocks.limit == case.scenario.cells.blocks
        assert sum(len(group.x) for group in ratings.groups) == records.satisfaction.shape[1]
        rated = np.concatenate([group.y for group in ratings.groups])
        np.testing.assert_array_equal(np.sort(rated), np.sort(records.satisfaction[row]))
        assert [len(group.x) for group in places.groups] == [case.spec.cells, case.spec.users]
