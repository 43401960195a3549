"""What trained policies expect, in the scale of the scenario, and planning on top of them."""

from pathlib import Path
from typing import cast

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.core.system import new_episodes
from mecsim.policies import Planning, calibrate, planner
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import Evaluation, ObjectiveValues
from mecsim.training import AgentPolicy, MultiRun, Run, run_policy
from tests.one_system import play_offload as play
from tests.training.small import new_run, small_config, small_scenario, trained

SCENARIO = small_scenario()


def test_it_counts_in_the_scale_of_the_scenario_that_is_played(tmp_path: Path) -> None:
    trained(run := new_run(tmp_path / "run", epochs=2))
    scale = calibrate(SCENARIO).scale
    doubled = ObjectiveValues(delay_s=2.0 * scale[0], energy_j=2.0 * scale[1])
    fixed = small_scenario(evaluation=Evaluation(scale=doubled))
    wanted = np.tile([0.4, 0.6], (8, 1))
    observation = new_episodes(SCENARIO, "batched").begin(draw_tapes(SCENARIO, 1, 0, 8))
    physical = run.load_agent().expected(observation, wanted)  # type: ignore[attr-defined]
    for scenario, factor in ((SCENARIO, 1.0), (fixed, 2.0)):
        found = cast(AgentPolicy, run_policy(run.folder, scenario)(0)).expected(observation, wanted)
        assert found is not None
        assert_allclose(found, physical @ (np.array([0.4, 0.6]) / (factor * scale)), rtol=1e-5)


def test_of_several_policies_the_nearest_one_expects(tmp_path: Path) -> None:
    config = small_config()
    multi = MultiRun.of(Run(tmp_path, SCENARIO, config, 64, 0), ((0.0, 1.0), (1.0, 0.0)))
    multi.create("mecsim train")
    for run in multi.runs:
        trained(run)
    wanted = np.array([[0.1, 0.9], [0.8, 0.2], [0.2, 0.8]])
    observation = new_episodes(SCENARIO, "batched").begin(draw_tapes(SCENARIO, 1, 0, 3))
    found = cast(AgentPolicy, run_policy(tmp_path, SCENARIO)(0)).expected(observation, wanted)
    alone = [cast(AgentPolicy, run_policy(run.folder, SCENARIO)(0)).expected(observation, wanted) for run in multi.runs]
    assert found is not None
    assert_allclose(found, np.stack(cast(list[np.ndarray], alone))[[0, 1, 0], np.arange(3)], rtol=1e-5)


def test_an_agent_that_expects_nothing_can_be_planned_on(tmp_path: Path) -> None:
    trained(run := new_run(tmp_path / "run", epochs=2, policy="network"))
    base, tapes = run_policy(run.folder, SCENARIO), draw_tapes(SCENARIO, 1, 0, 8)
    observation = new_episodes(SCENARIO, "batched").begin(tapes)
    assert cast(AgentPolicy, base(0)).expected(observation, np.tile([0.5, 0.5], (8, 1))) is None
    make = planner(base, SCENARIO, Planning(2))
    plays = [play(make(3), SCENARIO, tapes, np.array([0.5, 0.5])).records.server for _ in range(2)]
    assert_array_equal(plays[0], plays[1])
    assert (plays[0] != play(base(3), SCENARIO, tapes, np.array([0.5, 0.5])).records.server).any()
