"""What there is to see of cells at a moment: who holds their blocks, and how the waiting request could be served."""

import numpy as np

from mecsim.core.rating import TOP_RATING
from mecsim.core.scene import Bar, Bars, Drawn, Scene, fullest
from mecsim.core.target import in_numpy
from mecsim.systems.cells.episodes import CellsEpisodes
from mecsim.systems.cells.tape import CellsTapes


def scene(episodes: CellsEpisodes, tapes: CellsTapes, drawn: Drawn | None) -> Scene:
    """The decision at hand of the first episode."""
    spec, step = episodes.spec, episodes.step_index
    applications = tuple(episodes.scenario.population.applications)
    waits = step < episodes.steps
    now_s = float(tapes.arrival_s[0, step if waits else -1])
    records = episodes.engine.fork().records()
    held = (records.start_s[0] <= now_s) & (records.end_s[0] > now_s) & (np.arange(episodes.steps) < step)
    bars = []
    for cell in range(spec.cells):
        here = held & (records.cell[0] == cell)
        blocks = np.bincount(tapes.application[0][here], records.blocks[0][here], len(applications))
        bars.append(Bar(f"cell {cell}", tuple(blocks.tolist()), f"sessions: {here.sum()}"))
    title, shown = fullest(bars, "Blocks in use")
    panels = [Bars(title, "blocks", applications, shown, float(spec.blocks))]
    told = f"{now_s:.6g} s"
    if waits:
        user, application = int(tapes.user[0, step]), applications[int(tapes.application[0, step])]
        told += f"; user {user} asks for {application}"
        panels.append(_offers(episodes, tapes, step))
    return Scene(told, tuple(panels))


def _offers(episodes: CellsEpisodes, tapes: CellsTapes, step: int) -> Bars:
    """What the waiting request would get."""
    mask, names = episodes.masks()[0], episodes.layout.option_names
    predicted = in_numpy(episodes.engine.ratings(truth=False))[0]
    candidates, levels = tapes.blocks.shape[2:]
    bars = [Bar("reject", (0.0, 0.0))]
    for option in range(1, 1 + candidates * levels):
        candidate, level = divmod(option - 1, levels)
        rating, fits = float(predicted[level]), bool(mask[option])
        note = f"cell {tapes.cell[0, step, candidate]}, blocks: {tapes.blocks[0, step, candidate, level]}"
        amounts = (rating, 0.0) if fits else (0.0, rating)
        bars.append(Bar(names[option].replace("_", " "), amounts, note))
    title, shown = fullest(bars, "Predicted satisfaction with each option")
    return Bars(title, "0 to 5", ("can be taken", "no room or out of reach"), shown, TOP_RATING)
