"""Forms of satisfaction, laws of mobility and of arrivals of another package: named in YAML, used like our own."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from mecsim.core.plugins import Plugin, Registry
from mecsim.core.system import draw_episodes, new_episodes
from mecsim.errors import InputError, ScenarioError
from mecsim.people.forms.base import RATE_FORMS, Array, Choice, RateForm
from mecsim.physics.arrivals.base import ARRIVALS, ArrivalLaw
from mecsim.physics.delay_forms.base import DELAY_FORMS, DelayForm
from mecsim.physics.delay_forms.zone import ZoneDelay
from mecsim.physics.mobility.base import MOBILITY, MobilityModel
from mecsim.physics.mobility.paths import Paths
from mecsim.scenario import parse_scenario, scenario_to_yaml
from mecsim.schema.fields import Positive, PositiveUpToOne

CELLS = "mecsim: 1\nkind: cells\nepisode: {requests: 20}\n"
OFFLOAD = "mecsim: 1\nkind: offload\nepisode: {steps: 20}\n"


class Steps(RateForm):
    """A rating that rises in equal steps."""

    ABOUT: ClassVar[str] = "equal steps of the rate."

    steps: Positive = Field(2.0, description="How many.")

    def ratings(self, choice: Choice) -> Array:
        return np.asarray(
            5.0 * np.floor(self.steps * choice.rate_bit_per_s / choice.demand_bit_per_s + 1e-9) / self.steps
        )


class Strict(ZoneDelay):
    """Zones whose ratings fall at once beyond the adequate delay."""

    ABOUT: ClassVar[str] = "a zone with a cliff."

    slope_below: Positive = Field(1000.0, description="Slope beyond the adequate delay.")


class Uncompiled(DelayForm):
    """A form that compiled engines cannot rate by."""

    ABOUT: ClassVar[str] = "nothing that is known."


class InTheMiddle(MobilityModel):
    """All users stand in one place."""

    ABOUT: ClassVar[str] = "all stand in the middle."

    def draw_paths(self, rng: np.random.Generator, walkers: int, until_s: float, area_m: Array) -> Paths:
        return Paths(np.arange(walkers + 1), np.zeros(walkers), np.tile(0.5 * area_m, (walkers, 1)))


class Spaced(ArrivalLaw):
    """Arrivals that are never nearer to each other than some share of the mean gap."""

    ABOUT: ClassVar[str] = "a least gap, and an exponential rest."

    least: PositiveUpToOne = Field(0.2, description="The least gap, in mean gaps.")

    def draw_gaps(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        gaps = self.least + (1.0 - self.least) * rng.standard_exponential(shape)
        instant = rng.random(shape[:-1])  # within the least gap with the chance that it is of the mean one
        gaps[..., 0] = np.where(instant < self.least, instant, gaps[..., 0])
        return gaps


@pytest.fixture(autouse=True)
def _brought(monkeypatch: pytest.MonkeyPatch) -> None:
    brought: tuple[tuple[Registry[Any], str, type], ...] = (
        (RATE_FORMS, "steps", Steps),
        (DELAY_FORMS, "strict", Strict),
        (DELAY_FORMS, "uncompiled", Uncompiled),
        (MOBILITY, "middle", InTheMiddle),
        (ARRIVALS, "spaced", Spaced),
    )
    for registry, name, law in brought:
        known: Mapping[str, Plugin] = registry.plugins
        monkeypatch.setitem(known, name, Plugin(name, f"{__name__}:{law.__name__}", "other"))


def test_a_form_of_rates() -> None:
    scenario = parse_scenario(CELLS + "satisfaction: {form: steps, steps: 4}\n")
    tapes = draw_episodes(scenario, 0, 0, 4)
    assert set(np.unique(tapes.satisfaction)) <= {0.0, 1.25, 2.5, 3.75, 5.0}  # type: ignore[attr-defined]
    assert parse_scenario(scenario_to_yaml(scenario)) == scenario
    with pytest.raises(ScenarioError, match=r"satisfaction\.step: unknown key, did you mean 'steps'"):
        parse_scenario(CELLS + "satisfaction: {form: steps, step: 4}\n")


def test_a_form_of_delays_that_is_a_case_of_a_known_one() -> None:
    scenario = parse_scenario(OFFLOAD + "satisfaction: {form: strict, adequate: 4 s, desired: 2 s}\n")
    for engine in ("simpy", "batched"):
        assert new_episodes(scenario, engine).engine is not None
    law = scenario.satisfaction.law  # type: ignore[attr-defined]
    np.testing.assert_allclose(law.ratings(np.array([1.9, 4.0, 4.1]), law.typical), [4.148, 2.0, 0.0], atol=1e-3)


def test_a_form_of_delays_that_engines_do_not_know() -> None:
    scenario = parse_scenario(OFFLOAD + "satisfaction: {form: uncompiled}\n")
    with pytest.raises(InputError, match="compiled engines rate delays by zones or the logistic form, expected a sub"):
        new_episodes(scenario, "batched")


def test_a_law_of_mobility() -> None:
    """All users are as far from a server as each other."""
    scenario = parse_scenario(OFFLOAD + "users: {mobility: {model: middle}}\nservers: {edge: {count: 3}}\n")
    edge_m = draw_episodes(scenario, 0, 0, 4).distance_m[:, :, 1:]  # type: ignore[attr-defined]
    assert edge_m.shape == (4, 10, 3)
    np.testing.assert_array_equal(edge_m, np.broadcast_to(edge_m[:, :1], edge_m.shape))
    assert len(np.unique(edge_m)) == 12


def test_a_law_of_arrivals() -> None:
    """None within half a mean gap of each other: at most two in an offloading step of one mean gap."""
    cells = parse_scenario(CELLS + "arrivals: {model: spaced, least: 0.5}\n")
    assert parse_scenario(scenario_to_yaml(cells)) == cells
    arrival_s = draw_episodes(cells, 0, 0, 64).arrival_s  # type: ignore[attr-defined]
    gap_s = np.diff(arrival_s, axis=1)
    scale_s = 2.0 * gap_s.min(axis=1)
    assert (gap_s.mean(axis=1) / scale_s).mean() == pytest.approx(1.0, abs=0.1)

    offload = parse_scenario(OFFLOAD + "arrivals: {model: spaced, least: 0.5}\n")
    arrivals = draw_episodes(offload, 0, 0, 64).arrivals  # type: ignore[attr-defined]
    assert set(np.unique(arrivals)) == {0, 1, 2}
    assert arrivals.mean() == pytest.approx(1.0, abs=0.05)
    with pytest.raises(ScenarioError, match=r"arrivals\.leas: unknown key, did you mean 'least'"):
        parse_scenario(OFFLOAD + "arrivals: {model: spaced, leas: 0.5}\n")
