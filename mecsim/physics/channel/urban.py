"""Urban cells of 3GPP TR 38.901 (table 7.4.1-1): path loss, line of sight, shadowing. Arrays in, arrays out.

`uma` is a macro cell above the roofs, `umi` a street canyon below them. Distances are ground distances; the heights of
both antennas make them three-dimensional where the standard wants that. The formulas hold from 10 m to 5 km and from
0.5 to 100 GHz. Below 10 m the loss is that of 10 m, beyond 5 km the formulas are extrapolated.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mecsim.physics.channel.base import Array, ChannelModel, Gain, Generators, Links
from mecsim.physics.channel.link import from_db
from mecsim.schema.fields import Distance, Finding, Frequency, refuse

UrbanModel = Literal["uma", "umi"]

LIGHT_M_PER_S = 299_792_458.0
LEAST_DISTANCE_M = 10.0
ENVIRONMENT_HEIGHT_M = 1.0  # h_E: height above which both ends count towards the breakpoint
LINE_OF_SIGHT_DECORRELATION_M = 50.0  # of the state, for both cells (table 7.6.3.1-2)
CARRIER_HZ = (0.5e9, 100e9)  # where the formulas hold
LEAST_BASE_STATION_HEIGHT_M = 2.0


@dataclass(frozen=True)
class UrbanCell:
    """The constants of a cell; decibels and metres, (with, without) line of sight where there are two."""

    base_station_height_m: float  # usual height
    sight_decay_m: float  # scale of the exponential in the probability of a line of sight
    shadowing_db: tuple[float, float]
    decorrelation_m: tuple[float, float]  # of shadowing along a path (table 7.5-6)
    user_height_m: tuple[float, float]  # least and most


CELLS: dict[UrbanModel, UrbanCell] = {
    "uma": UrbanCell(25.0, 63.0, (4.0, 6.0), (37.0, 50.0), (1.5, 13.0)),
    "umi": UrbanCell(10.0, 36.0, (4.0, 7.82), (10.0, 13.0), (1.5, 22.5)),
}


def line_of_sight_probability(model: UrbanModel, distance_m: Array) -> Array:
    """P_LOS (table 7.4.2-1): 1 up to 18 m, then 18/d + e^{−d/D}·(1 − 18/d). For users below 13 m."""
    near = 18.0 / np.maximum(distance_m, 18.0)
    return np.asarray(near + np.exp(-np.asarray(distance_m) / CELLS[model].sight_decay_m) * (1.0 - near))


def breakpoint_distance_m(carrier_hz: float, base_station_height_m: float, user_height_m: float) -> float:
    """d'_BP = 4·(h_BS − h_E)·(h_UT − h_E)·f/c: beyond it the ray reflected from the ground doubles the slope."""
    effective_m2 = (base_station_height_m - ENVIRONMENT_HEIGHT_M) * (user_height_m - ENVIRONMENT_HEIGHT_M)
    return 4.0 * effective_m2 * carrier_hz / LIGHT_M_PER_S


def urban_path_loss_db(
    model: UrbanModel,
    distance_m: Array,
    line_of_sight: NDArray[np.bool_],
    carrier_hz: float,
    base_station_height_m: float,
    user_height_m: float,
) -> Array:
    """Path loss of links of ground distance `distance_m`, without shadowing."""
    ground_m = np.maximum(distance_m, LEAST_DISTANCE_M)
    step_m = base_station_height_m - user_height_m
    log_m = np.log10(np.hypot(ground_m, step_m))
    log_ghz = np.log10(carrier_hz / 1e9)
    break_m = breakpoint_distance_m(carrier_hz, base_station_height_m, user_height_m)
    log_break = np.log10(break_m**2 + step_m**2)
    if model == "uma":
        near = 28.0 + 22.0 * log_m
        far = 28.0 + 40.0 * log_m - 9.0 * log_break
        shadowed = 13.54 + 39.08 * log_m + 20.0 * log_ghz - 0.6 * (user_height_m - 1.5)
    else:
        near = 32.4 + 21.0 * log_m
        far = 32.4 + 40.0 * log_m - 9.5 * log_break
        shadowed = 22.4 + 35.3 * log_m + 21.3 * log_ghz - 0.3 * (user_height_m - 1.5)
    seen = np.where(ground_m < break_m, near, far) + 20.0 * log_ghz
    return np.asarray(np.where(line_of_sight, seen, np.maximum(seen, shadowed)))


class Urban(ChannelModel):
    """Path loss, line of sight and shadowing of an urban cell."""

    CELL: ClassVar[UrbanModel]

    carrier_hz: Frequency = Field(3.5e9, alias="carrier", description="Carrier frequency.")
    base_station_height_m: Distance | None = Field(
        None, alias="base_station_height", description="Height of the antenna; null: 25 m (uma), 10 m (umi)."
    )
    user_height_m: Distance = Field(1.5, alias="user_height", description="Height of a user's antenna.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings: list[Finding] = []
        if not CARRIER_HZ[0] <= self.carrier_hz <= CARRIER_HZ[1]:
            findings.append(("carrier", f"3GPP's {self.CELL} holds from 0.5 to 100 GHz, expected one of these"))
        low_m, high_m = CELLS[self.CELL].user_height_m
        if not low_m <= self.user_height_m <= high_m:
            findings.append(("user_height", f"{self.CELL} expects a height from {low_m:g} to {high_m:g} m"))
        if self.base_station_height_m is not None and self.base_station_height_m < LEAST_BASE_STATION_HEIGHT_M:
            findings.append(("base_station_height", f"expected a height of {LEAST_BASE_STATION_HEIGHT_M:g} m or more"))
        refuse(findings)
        return self

    def draw_gain(self, links: Links, generators: Generators) -> Gain:
        """Shadowing has the deviation of the state at hand; a direct path is where there is a line of sight."""
        cell, sight = CELLS[self.CELL], self.draw_line_of_sight(links, generators.line_of_sight)
        height_m = self.base_station_height_m or cell.base_station_height_m
        loss_db = urban_path_loss_db(self.CELL, links.distance_m, sight, self.carrier_hz, height_m, self.user_height_m)
        normal = links.normal(generators.shadowing, np.where(sight, *cell.decorrelation_m))
        shadowing_db = np.where(sight, *cell.shadowing_db) * normal
        return Gain(from_db(-(loss_db + shadowing_db)), sight)

    def draw_line_of_sight(self, links: Links, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Whether links have a line of sight, (N, K, A).

        A uniform value per link is compared with the probability at the distance (TR 38.901, 7.6.3.3). Along the path
        of a moving user the normal value behind the uniform one is a Gauss-Markov process, so the state changes with
        the distance and with what has been travelled, and always has the probability of its distance.
        """
        uniform = links.uniform(rng, LINE_OF_SIGHT_DECORRELATION_M)
        return np.asarray(uniform < line_of_sight_probability(self.CELL, links.distance_m))


class UrbanMacro(Urban):
    """A macro cell above the roofs."""

    ABOUT: ClassVar[str] = "urban macro cells of 3GPP TR 38.901."
    CELL: ClassVar[UrbanModel] = "uma"


class UrbanMicro(Urban):
    """A street canyon."""

    ABOUT: ClassVar[str] = "urban micro cells of 3GPP TR 38.901."
    CELL: ClassVar[UrbanModel] = "umi"
