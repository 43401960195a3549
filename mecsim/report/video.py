"""A video of an episode: what the environment draws after every step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib.animation import FFMpegWriter, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mecsim.core.files import atomic_write
from mecsim.core.scenario import Scenario
from mecsim.core.scene import Drawn
from mecsim.core.seeds import Stream
from mecsim.core.system import draw_episodes, system_of
from mecsim.envs.rendering import DPI, RENDER_FPS, SIZE_INCH
from mecsim.envs.single import SystemEnv
from mecsim.errors import RunError
from mecsim.policies import PolicyFactory

VIDEOS = (".gif", ".mp4")


def check_writer(path: Path) -> None:
    """Raise RunError if a video of this name cannot be written on this machine."""
    if path.suffix == ".mp4" and not FFMpegWriter.isAvailable():
        raise RunError(f"{path}: an .mp4 needs ffmpeg, which is not there; install it, or name a .gif")


def save_video(
    path: Path, scenario: Scenario, make: PolicyFactory, preference: NDArray[np.float64], seed: int = 0,
    advance: Callable[[float], object] = lambda done: None,
) -> None:  # fmt: skip
    """Write the first episode of an evaluation with `seed`, as a policy plays it for a preference.

    Args:
        path: whose name ends in one of `VIDEOS`.
        make: makes the policy of the seed.
        preference: (objectives,).
        advance: is told how many of the T + 1 pictures are done.

    Raises:
        InputError: the system says nothing of what there is to see; RunError: see `check_writer`.
    """
    check_writer(path)
    env = cast("SystemEnv[Any, Any, Any]", system_of(scenario).environment.load()(scenario, "batched", "rgb_array"))
    tapes, policy = draw_episodes(scenario, seed, 0, 1), make(seed)
    observation, _ = env.reset(options={"tapes": tapes, "drawn": Drawn(seed, Stream.EVALUATION, 0)})
    figure = Figure(figsize=SIZE_INCH, dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    image = axes.imshow(env.render(), aspect="auto", interpolation="nearest")
    writer = (FFMpegWriter if path.suffix == ".mp4" else PillowWriter)(fps=RENDER_FPS)
    with atomic_write(path) as partial, writer.saving(figure, str(partial), DPI):
        writer.grab_frame()
        while not env.episodes.over:
            advance(env.episodes.step_index + 1)
            batch = {name: values[None] for name, values in observation.items()}
            observation, *_ = env.step(np.int64(policy.act(env.episodes, batch, preference[None])[0]))
            image.set_data(env.render())
            writer.grab_frame()
    advance(env.episodes.steps + 1)
