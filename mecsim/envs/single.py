"""One episode at a time as a Gymnasium environment."""

from typing import Any, ClassVar, Generic, cast

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays, EngineName, Episodes, RecordsT, ScenarioT, TapesT
from mecsim.core.scene import Drawn
from mecsim.core.seeds import Stream
from mecsim.core.system import SYSTEMS, System
from mecsim.core.target import in_numpy
from mecsim.envs.rendering import RENDER_FPS, RENDER_MODES, picture_of, show, text_of
from mecsim.errors import InputError
from mecsim.scenario import Scenario, load_scenario, parse_scenario
from mecsim.schema.words import nearest


class SystemEnv(gym.Env[Any, np.int64], Generic[ScenarioT, TapesT, RecordsT]):
    """A single episode at a time; what is observed, done and earned is told by the class of each system.

    Copies and pickles go on where the episode is.

    Args:
        scenario: the name of a built-in scenario, a file, or a `Scenario`; that of `DEFAULT` if not given.
        engine: which one plays.
        render_mode: `rgb_array`, a picture; `ansi`, a text; `human`, a text that is shown at every step.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}  # noqa: RUF012  (Gymnasium's own type)
    SYSTEM: ClassVar[str]
    DEFAULT: ClassVar[str | None] = None
    """Name of the scenario that is played if none is given; the starter of the system if there is none."""

    def __init__(
        self, scenario: str | Scenario | None = None, engine: EngineName = "simpy", render_mode: str | None = None
    ) -> None:
        system = cast(System[ScenarioT, TapesT, RecordsT], SYSTEMS.load(self.SYSTEM))
        self.scenario = cast(ScenarioT, self.scenario_of(scenario))
        if render_mode not in (None, *RENDER_MODES):
            raise InputError(f"render_mode {render_mode!r}: {nearest(str(render_mode), RENDER_MODES)}")
        if render_mode is not None and system.scene is None:
            raise InputError(f"render_mode {render_mode!r}: {self.SYSTEM} says nothing of what there is to see")
        self.render_mode = render_mode
        self._draw, self._scene = system.draw, system.scene
        self.episodes: Episodes[ScenarioT, TapesT, RecordsT] = system.new_episodes(self.scenario, engine)
        self.observation_space = self.episodes.observation_space
        self.action_space = self.episodes.action_space
        self.reward_space = self.episodes.reward_space
        self.reward_dim = len(self.scenario.objectives)
        self._seed: int | None = None
        self._episode = 0
        self._tapes: TapesT | None = None
        self._drawn: Drawn | None = None
        self._earned = np.zeros(len(system.objectives))  # in this episode, in the engine's rewards

    @classmethod
    def scenario_of(cls, scenario: str | Scenario | None) -> Scenario:
        """The scenario that is played, if this one is asked for.

        Raises:
            InputError: it is of another kind; ScenarioError: it cannot be used.
        """
        if scenario is None:
            starter = SYSTEMS.load(cls.SYSTEM).starter()
            scenario = cls.DEFAULT or parse_scenario(starter, f"starter of {cls.SYSTEM}")
        described = load_scenario(scenario)
        if described.kind != cls.SYSTEM:
            raise InputError(f"{cls.__name__} needs a scenario of kind {cls.SYSTEM}, not {described.kind}")
        return described

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Start the next episode. `options={"tapes": …}` plays the first episode of given tapes instead; `drawn`
        (`Drawn`) beside them says which one that is, for a map.
        """
        super().reset(seed=seed)
        if seed is not None or self._seed is None:
            self._seed = int(self.np_random.integers(2**63)) if seed is None else seed
            self._episode = 0
        if options and "tapes" in options:
            tapes = options["tapes"].select(slice(0, 1))
            self._drawn = options.get("drawn")
        else:
            self._drawn = Drawn(self._seed, Stream.TRAINING, self._episode)
            tapes = self._draw.load()(self.scenario, self._seed, self._episode, 1, Stream.TRAINING)
            self._episode += 1
        observation = _first(self.episodes.begin(tapes))
        self._tapes, self._earned = tapes, np.zeros(len(self.episodes.layout.objectives))
        self._show()
        return observation, _plain(self.episodes.info(observation, None))

    def step(self, action: np.int64) -> tuple[Arrays, NDArray[np.float32], bool, bool, dict[str, Any]]:
        """Choose an option; the reward is a vector, new at each call.

        Raises:
            InputError: the action is outside the space, the episode is over, or none has begun.
        """
        if self.episodes.over:
            raise InputError("the episode is over: call reset first")
        if not self.action_space.contains(action):
            raise InputError(f"action {action} names no option, expected 0 to {self.episodes.max_options - 1}")
        observations, rewards, of_engine = self.episodes.step(np.array([action], np.int64))
        observation = _first(observations)
        earned = in_numpy(of_engine[0])
        info = _plain(self.episodes.info(observation, earned))
        self._earned = self._earned + earned
        self._show()
        return observation, in_numpy(rewards[0]), self.episodes.over, False, info

    def render(self) -> Any:
        """The episode as it is: pixels (height, width, 3) uint8 or a text, as `render_mode` says; None for `human`.

        Raises:
            InputError: no episode has begun.
        """
        if self.render_mode is None:
            gym.logger.warn("render: nothing is drawn without a render_mode; name one when the environment is made")
            return None
        if self._tapes is None or self._scene is None:
            raise InputError("render: no episode has begun: call reset first")
        scene = self._scene.load()(self.episodes, self._tapes, self._drawn)
        if self.render_mode == "rgb_array":
            return picture_of(scene, self._title())
        text = text_of(scene, self._title())
        if self.render_mode == "ansi":
            return text
        show(text, 1.0 / RENDER_FPS)
        return None

    def _show(self) -> None:
        """Gymnasium's `human` is shown without being asked for."""
        if self.render_mode == "human":
            self.render()

    def _title(self) -> str:
        """The step, and what the scenario's objectives have come to so far."""
        told = []
        for one, earned in zip(self.episodes.layout.objectives, self._earned, strict=True):
            if one.name in self.scenario.objectives:
                unit = f" ({one.unit})" if one.unit else ""
                told.append(f"{one.name.replace('_', ' ')}{unit} {float(one.value(one.offset - earned)):.4g}")
        return f"step {self.episodes.step_index} of {self.episodes.steps}; so far {', '.join(told)}"

    def action_masks(self) -> NDArray[np.bool_]:
        """Which options can be taken now, (A,), under the name by which sb3-contrib asks for it."""
        return np.asarray(self.episodes.masks()[0])

    def option_rewards(self) -> NDArray[np.float64]:
        """What each option is expected to earn at once for each objective, (A, objectives); −inf if impossible."""
        return np.asarray(self.episodes.option_rewards()[0])


def _first(batch: Arrays) -> Arrays:
    return {name: in_numpy(array[0]) for name, array in batch.items()}


def _plain(info: dict[str, Any]) -> dict[str, Any]:
    """Arrays without a dimension as numbers."""
    return {name: value.item() if value.ndim == 0 else in_numpy(value) for name, value in info.items()}
