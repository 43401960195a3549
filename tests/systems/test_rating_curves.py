"""What satisfies whom, as curves and as a picture."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mecsim.core.rating import CURVE_POINTS, RatingCurve
from mecsim.core.system import system_of
from mecsim.errors import InputError
from mecsim.report.plots import plot_figures
from mecsim.report.rating_figure import rating_figure, zone_of
from mecsim.scenario import Scenario, parse_scenario, with_context
from tests.one_system import cells_scenario
from tests.training.small import small_scenario

CELL = cells_scenario("personalized-quick")
PERSONAS, APPLICATIONS = list(CELL.population.personas), list(CELL.population.applications)
FORMS = ["zone", "power", "logistic", "iqx"]

PLAIN = """
mecsim: 1
kind: personalize
satisfaction: {spread: 0}
population:
  applications:
    film: {min_rate: 1 Mbit/s, demand_rate: 4 Mbit/s, duration: 2 min}
    call: {min_rate: 64 kbit/s, demand_rate: 64 kbit/s, duration: 2 min}
  personas:
    commuter: {adequate: 0.25, desired: 0.75, weekday: {0: work}, shifts: {work: 0.1}, applications: {film: 1}}
"""


def rating_curves(scenario: Scenario, uses: Sequence[str], seed: int) -> list[RatingCurve]:
    curves = system_of(scenario).rating_curves
    assert curves is not None
    return curves.load()(scenario, uses, seed)


def test_the_curve_of_a_persona_by_hand() -> None:
    film, call = rating_curves(parse_scenario(PLAIN), (), 0)
    assert film.people.startswith("commuter\n")
    assert ", work, " in film.people
    assert (film.use, film.quality, call.quality) == ("film", "rate (Mbit/s)", "rate (kbit/s)")
    assert_allclose(film.values[[0, -1]], [1.0, 4.0])
    position = np.log(film.values) / np.log(4.0)
    assert_allclose(film.typical, np.clip(2.0 + 2.0 * (position - 0.35) / 0.5, 0.0, 5.0), atol=1e-9)
    assert_allclose(film.quantiles, np.tile(film.typical, (4, 1)), atol=1e-9)  # nobody differs
    zone = zone_of(film)
    assert zone is not None
    assert_allclose(zone, 4.0 ** np.array([0.35, 0.85]), rtol=1e-3)
    assert call.values[0] < 64.0 < call.values[-1]
    assert set(call.typical.round(9)) == {0.0, 4.6}  # u is 1 or nothing
    assert zone_of(call) is None


@pytest.mark.parametrize("form", FORMS)
def test_there_is_a_curve_for_each_application_and_persona(form: str) -> None:
    curves = rating_curves(with_context(CELL, {"satisfaction.form": form}), (), 3)
    assert [curve.use for curve in curves] == [name for name in APPLICATIONS for _ in PERSONAS]
    assert [curve.people.partition("\n")[0].replace(" ", "_") for curve in curves[: len(PERSONAS)]] == PERSONAS
    for curve in curves:
        assert curve.values.shape == curve.typical.shape == (CURVE_POINTS,)
        assert (np.diff(curve.values) > 0.0).all()
        p10, p25, p75, p90 = curve.quantiles
        assert (p10 <= p25).all()
        assert (p25 <= p75).all()
        assert (p75 <= p90).all()
        assert (p90 > p10).any()
        steps = np.diff(curve.typical) * (-1.0 if curve.quality == "delay (s)" else 1.0)
        assert (steps >= -1e-12).all()
        assert np.mean((p10 - 1e-9 <= curve.typical) & (curve.typical <= p90 + 1e-9)) > 0.8
    assert {curve.quality == "delay (s)" for curve in curves} == {form in ("logistic", "iqx")}


def test_the_same_seed_draws_the_same_people() -> None:
    first, again, other = (rating_curves(CELL, ("ar",), seed)[0].quantiles for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("form", ["zone", "logistic"])
def test_users_who_offload_rate_delays(form: str) -> None:
    scenario = with_context(small_scenario(), {"satisfaction": f"{{form: {form}}}"})
    [curve] = rating_curves(scenario, (), 0)
    assert curve.quality == "delay of a task (s)"
    assert (np.diff(curve.typical) <= 0.0).all()
    at = {2.0: 40.0, 4.0: 10.0} if form == "zone" else {2.5: 20.0}
    for rating, delay_s in at.items():
        assert np.interp(delay_s, curve.values, curve.typical) == pytest.approx(rating, abs=0.05)
    if form == "zone":
        assert zone_of(curve) == pytest.approx((10.0, 40.0), rel=0.01)
    [axes] = rating_figure(scenario, (), 0).axes
    assert axes.get_xlabel() == "delay of a task (s)"


def test_the_picture_has_a_panel_for_each_curve() -> None:
    figure = rating_figure(CELL, ("voice", "ar"), 0)
    assert len(figure.axes) == 2 * len(PERSONAS)
    assert [axes.get_xscale() for axes in figure.axes] == ["log"] * 2 * len(PERSONAS)
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["voice\nrating", "ar\nrating"]
    [legend] = figure.legends
    assert {"typical person", "80 % of the people"} <= {text.get_text() for text in legend.get_texts()}


def test_many_personas_take_several_rows() -> None:
    named = {f"kind{i}": {"share": 1 / 16} for i in range(16)}
    many = parse_scenario(f"mecsim: 1\nkind: personalize\npopulation: {{personas: {named}}}\n".replace("'", ""))
    assert len(rating_figure(many, ("voice", "ar"), 0).axes) == 32
    with pytest.raises(InputError, match="112 panels, expected at most 64: name some of the applications"):
        rating_figure(many, (), 0)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("satisfaktion",), "--plot satisfaktion: unknown plot, did you mean 'satisfaction'"),
        (("satisfaction", "satisfaction=ar"), "satisfaction is asked for twice"),
        (("satisfaction=strm",), "--plot satisfaction=strm: unknown application 'strm'"),
        (("satisfaction=",), "unknown application ''"),
    ],
)
def test_what_cannot_be_plotted(asked: tuple[str, ...], told: str) -> None:
    with pytest.raises(InputError, match=told):
        plot_figures(asked, CELL, 0)


def test_a_scenario_in_which_nothing_is_rated() -> None:
    with pytest.raises(InputError, match="nothing is rated in this scenario, expected one of kind cells"):
        plot_figures(["satisfaction"], small_scenario(), 0)
    rated = with_context(small_scenario(), {"satisfaction": "{form: zone}"})
    with pytest.raises(InputError, match="has no applications"):
        plot_figures(["satisfaction=voice"], rated, 0)
