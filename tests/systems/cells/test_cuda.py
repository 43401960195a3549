"""The engine on a GPU gives what the batched one gives, to 1e-9, whatever the cells; also where one is simulated."""

import pytest
from hypothesis import given, settings

from mecsim.core.cuda import why_not
from tests.systems.cells.cells import Case, assert_same_play, cases, play

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@settings(max_examples=12)
@given(case=cases())
def test_any_tape_any_actions(case: Case) -> None:
    truth = play("batched", case)
    assert_same_play(truth, play("cuda", case, truth.actions))
