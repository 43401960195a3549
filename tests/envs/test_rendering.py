"""What environments draw: Gymnasium's conventions, and that a scene says what is so."""

from typing import Any, cast

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from mecsim.core.episodes import EngineName
from mecsim.core.scene import MOST_BARS, Bar, Bars, Drawn, Scene, fullest
from mecsim.core.seeds import Stream
from mecsim.envs.rendering import RENDER_MODES, picture_of, text_of
from mecsim.errors import InputError
from mecsim.systems.cells.environment import CellsEnv
from mecsim.systems.cells.scene import scene as cells_scene
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.environment import OffloadEnv
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.scene import scene as offload_scene
from tests.envs.contract import ENGINES, short
from tests.test_imports import imported_by

MOVING: dict[str, Any] = {"users.mobility.model": "waypoint"}


def played(env: Any, steps: int, seed: int = 3) -> Any:
    """An environment after some random actions."""
    env.reset(seed=seed)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        env.step(int(rng.choice(np.flatnonzero(env.action_masks()))))
    return env


@pytest.mark.parametrize("name", ["mecsim/offload-scalar-v0", "mecsim/cells-scalar-v0"])
@pytest.mark.filterwarnings("ignore:.*A Box observation space m(in|ax)imum value is:UserWarning")
@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version:UserWarning")
def test_gymnasium_checks_every_mode(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    env = gym.make(name, engine="batched", render_mode="ansi")
    assert set(env.metadata["render_modes"]) == set(RENDER_MODES)
    check_env(env)
    assert "step 0 of" in capsys.readouterr().out  # the checker tried `human`


@pytest.mark.parametrize("steps", [0, 3, 6])
@pytest.mark.parametrize("scenario", [short(), short(**MOVING)])
def test_pictures(scenario: Any, steps: int) -> None:
    picture = played(OffloadEnv(scenario, "batched", "rgb_array"), steps).render()
    assert picture.dtype == np.uint8
    assert picture.shape == (480, 800, 3)
    assert picture.std() > 20


def test_videos_of_gymnasium_take_the_pictures() -> None:
    env = gym.wrappers.RenderCollection(gym.make("mecsim/offload-v0", scenario=short(), render_mode="rgb_array"))
    env.reset(seed=1)
    for _ in range(3):
        env.step(0)
    frames: Any = env.render()
    assert len(frames) == 4
    assert not np.array_equal(frames[0], frames[-1])


@pytest.mark.parametrize("engine", ENGINES)
def test_looking_changes_nothing(engine: EngineName) -> None:
    for made, scenario in ((OffloadEnv, short(**MOVING)), (CellsEnv, "personalized-cell")):
        env, looked_at = made(scenario, engine), made(scenario, engine, "ansi")
        env.reset(seed=2)
        looked_at.reset(seed=2)
        for _ in range(5):
            looked_at.render()
            np.testing.assert_array_equal(env.step(np.int64(1))[1], looked_at.step(np.int64(1))[1])


def panel(scene: Scene, title: str) -> Bars:
    """The panel whose title begins so."""
    return next(one for one in scene.panels if one.title.startswith(title))


@pytest.mark.parametrize("changes", [{}, {"dispatch.queue": "edf", "tasks.deadline": "[2, 9] s"}])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_queue_and_the_servers_are_those_of_the_observation(engine: EngineName, changes: dict[str, str]) -> None:
    env = played(OffloadEnv(short("gmorl", 30, **changes), engine, "ansi"), 17)
    observation, _, _, _, info = env.step(np.int64(0))
    scene = offload_scene(env.episodes, env._tapes, None)
    queue = panel(scene, "Dispatch queue").bars[0]
    assert queue.total == pytest.approx(info["queued_mbit"], rel=1e-5)
    assert queue.note == f"tasks: {info['queued_tasks']:.0f}"
    assert queue.amounts[0] == pytest.approx(observation["options"][0, 0], rel=1e-5)  # the next one
    servers = panel(scene, "Work left").bars
    assert len(servers) == int(observation["mask"].sum())
    assert sum(bar.total for bar in servers) > 0.0
    for bar, row, backlog_s in zip(servers, observation["options"], env.episodes.engine.backlog_s()[0], strict=False):
        assert bar.note == f"{row[3]:.0f} executing, {row[4]:.0f} uploading"
        assert bar.total == pytest.approx(backlog_s, abs=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_blocks_are_those_of_the_cells(engine: EngineName) -> None:
    env = played(CellsEnv("personalized-cell", engine, "ansi"), 40)
    scene = cells_scene(env.episodes, env._tapes, None)
    spec = env.episodes.spec
    used = [bar.total for bar in panel(scene, "Blocks in use").bars]
    assert used == (spec.blocks - env.episodes.engine.free_blocks()[0]).tolist()
    assert max(used) > 0
    offers = panel(scene, "Predicted").bars
    assert len(offers) == spec.max_options
    for bar, fits in zip(offers[1:], env.action_masks()[1:], strict=True):
        assert bar.amounts[1 if fits else 0] == 0.0


def test_places_are_those_of_the_draw() -> None:
    """Distances on the map of the next task's user are those of the tape, in an episode of a later reel."""
    scenario: OffloadScenario = short("gmorl", 12, **MOVING)
    drawn = Drawn(7, Stream.EVALUATION, 70)
    tapes = draw_tapes(scenario, drawn.seed, drawn.number, 1, drawn.stream)
    env = OffloadEnv(scenario, "batched", "ansi")
    env.reset(options={"tapes": tapes, "drawn": drawn})
    seen = 0
    while not env.episodes.over:
        scene = offload_scene(cast(OffloadEpisodes, env.episodes), tapes, drawn)
        edges, users = scene.spots[:2]
        if len(scene.spots) == 3:
            task = _head(env)
            distance_m = np.hypot(*(edges.place_m - scene.spots[2].place_m[0]).T)
            expected_m = tapes.distance_m[0, tapes.link[0, task], 1 : 1 + len(distance_m)]
            np.testing.assert_allclose(distance_m, expected_m, rtol=1e-9)
            seen += 1
        assert len(users.place_m) == scenario.users.count
        env.step(np.int64(0))
    assert seen > 5


def _head(env: OffloadEnv) -> int:
    """The task that a first-in-first-out queue dispatches next: as many as were dispatched went before it."""
    return int((env.episodes.engine.fork().records().task[0] >= 0).sum())


def test_a_text_has_lines_that_fit_and_bars_to_scale() -> None:
    bars = (Bar("one", (5.0, 5.0), "note"), Bar("another", (0.0, 0.0)))
    text = text_of(Scene("now", (Bars("Title", "s", ("a", "b"), bars),)), "step 1 of 2")
    lines = text.splitlines()
    assert lines[:2] == ["step 1 of 2", "now"]
    assert lines[4] == "one     |" + "#" * 14 + "=" * 14 + "| 10  note"
    assert lines[5] == "another |" + " " * 28 + "| 0"
    for env in (OffloadEnv("gmorl", "batched", "ansi"), CellsEnv("personalized-cell", "batched", "ansi")):
        assert max(map(len, played(env, 15).render().splitlines())) <= 80


def test_of_many_bars_the_longest_are_shown() -> None:
    bars = [Bar(str(place), (float(place % 50),)) for place in range(1000)]
    title, shown = fullest(bars, "Servers")
    assert title == "Servers (the longest of 1000)"
    assert len(shown) == MOST_BARS
    assert {bar.total for bar in shown} == {49.0}
    assert picture_of(Scene("", (Bars(title, "s", ("work",), shown),)), "").shape == (480, 800, 3)


def test_modes_that_cannot_be() -> None:
    with pytest.raises(InputError, match=r"render_mode 'rgb': .*rgb_array"):
        OffloadEnv(short(), "batched", "rgb")
    with pytest.raises(InputError, match="call reset first"):
        OffloadEnv(short(), "batched", "ansi").render()
    env = OffloadEnv(short(), "batched")
    env.reset(seed=1)
    with pytest.warns(UserWarning, match="without a render_mode"):
        assert env.render() is None


def test_matplotlib_is_imported_for_pictures_only() -> None:
    code = """
import gymnasium, mecsim
env = gymnasium.make("mecsim/offload-v0", scenario="quickstart", engine="batched", render_mode="{}")
env.reset()
env.render()
"""
    assert "matplotlib" not in imported_by(code.format("ansi"))
    assert "matplotlib" in imported_by(code.format("rgb_array"))
