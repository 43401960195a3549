"""Population and satisfaction in a scenario: defaults, what a file may give, and what is refused in one line."""

import copy
import pickle
from typing import Any

import pytest

from mecsim.errors import ScenarioError
from mecsim.people.persona import stricter
from mecsim.people.population import CONTEXTS, PERIODS, PLACES, Application, Persona, Population, Shift
from mecsim.people.satisfaction import Satisfaction
from mecsim.scenario import parse_scenario, scenario_to_yaml
from mecsim.systems.cells.scenario import CellsScenario

HEAD = "mecsim: 1\nkind: personalize\n"
VOICE = "voice: {min_rate: 24 kbit/s, demand_rate: 64 kbit/s, duration: 2 min}"


def read(text: str) -> CellsScenario:
    scenario = parse_scenario(HEAD + text)
    assert isinstance(scenario, CellsScenario)
    return scenario


def persona(text: str) -> Persona:
    return read(f"population: {{personas: {{anyone: {{{text}}}}}}}").population.personas["anyone"]


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read(text)
    return [problem.removeprefix("scenario:3: ") for problem in caught.value.problems]


def test_defaults() -> None:
    population = read("").population
    assert list(population.personas) == ["professional", "university_student", "school_student", "homemaker"]
    assert list(population.applications) == [
        "voice", "video_call", "streaming", "gaming", "browsing", "download", "ar"
    ]  # fmt: skip
    assert population == Population()
    for one in population.personas.values():
        assert one.applications is not None
        assert set(one.applications) == set(population.applications)
        assert {place for day in (one.weekday, one.weekend) for place in day.values()} <= set(PLACES)
    assert {place for one in population.personas.values() for place in one.weekday.values()} == set(PLACES)
    for application in population.applications.values():
        assert application.demand_rate_bit_per_s > 2.0 * application.min_rate_bit_per_s
    assert len(set(CONTEXTS)) == len(CONTEXTS)


def test_what_is_written_is_read_back() -> None:
    scenario = read("population: {personas: {a: {shifts: {home: {adequate: 0.3}, mall: -0.1}, weekday: {8:45: work}}}}")
    text = scenario_to_yaml(scenario)
    assert parse_scenario(text) == scenario
    assert "mall: -0.1" in text
    assert "8.75" in text
    assert Population(**scenario.population.model_dump()) == scenario.population


def test_scenarios_are_keys_of_caches() -> None:
    one, same = read("").population, Population()
    assert hash(one) == hash(same)
    assert hash(one) != hash(read("population: {request_spread: 0.5}").population)
    assert copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301  # workers of a sweep get scenarios so
    with pytest.raises(TypeError, match="never changes"):
        one.personas["other"] = Persona()


def test_given_mappings_replace_the_default_ones() -> None:
    population = read(f"population: {{applications: {{{VOICE}}}, personas: {{anyone: {{}}}}}}").population
    assert list(population.applications) == ["voice"]
    assert population.applications["voice"] == Application(
        min_rate_bit_per_s=24e3, demand_rate_bit_per_s=64e3, duration_s=120.0
    )
    assert population.personas == {"anyone": Persona()}
    assert population.profile == Population().profile


def test_default_personas_ask_for_what_there_is() -> None:
    """Two applications that they know keep their proportion; an unknown one gets an even share."""
    other = VOICE.replace("voice", "other")
    known = VOICE.replace("voice", "ar")
    mix = read(f"population: {{applications: {{{VOICE}, {known}, {other}}}}}").population.personas["professional"]
    assert mix.applications == pytest.approx({"voice": 2 / 3 * 0.8, "ar": 2 / 3 * 0.2, "other": 1 / 3})
    mix = read(f"population: {{applications: {{{other}}}}}").population.personas["professional"]
    assert mix.applications is None


def test_equal_rates_are_sessions_of_one_size() -> None:
    application = read(f"population: {{applications: {{{VOICE.replace('24', '64')}}}}}").population.applications[
        "voice"
    ]
    assert application.min_rate_bit_per_s == application.demand_rate_bit_per_s == 64e3


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("{0: home}", {0.0: "home"}),
        ("{17: home, 8: work}", {8.0: "work", 17.0: "home"}),
        ("{8.5: work, '17:15': home}", {8.5: "work", 17.25: "home"}),
        ("{8:30: work, 23:59: home}", {8.5: "work", 23.0 + 59.0 / 60.0: "home"}),
    ],
)
def test_spellings_of_hours(text: str, hours: dict[float, str]) -> None:
    found = persona(f"weekday: {text}").weekday
    assert list(found.items()) == list(hours.items())


def test_spellings_of_shifts() -> None:
    shifts = persona("shifts: {home: 0.1, walking: {desired: -0.2}, night: {exponent: 1e-1, adequate: 0}}").shifts
    assert shifts == {
        "home": stricter(0.1), "walking": Shift(desired=-0.2), "night": Shift(exponent=0.1)
    }  # fmt: skip
    assert persona("shifts: {}").shifts == {}
    assert persona("share: 1").shifts == Persona().shifts


def test_speeds_and_delays_have_units() -> None:
    one = persona(
        "travel_speed: '[18, 36] km/h', delay_centre: 300 ms, delay_steepness: 2 /s, delay_sensitivity: 6 /min"
    )
    assert one.travel_speed_m_per_s == (5.0, 10.0)
    assert (one.delay_centre_s, one.delay_steepness_per_s, one.delay_sensitivity_per_s) == (0.3, 2.0, 0.1)


APPLICATION = "population.applications.voice"
ANYONE = "population.personas.anyone"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            VOICE.replace("24 k", "-3 k"),
            f"{APPLICATION}.min_rate: expected a bit rate above 0 such as '64 kbit/s', got",
        ),
        (VOICE.replace("24 k", "0 k"), f"{APPLICATION}.min_rate: expected a bit rate above 0 such as '64 kbit/s'"),
        (VOICE.replace("24 kbit/s", "24"), f"{APPLICATION}.min_rate: expected a bit rate such as '64 kbit/s', got 24"),
        (VOICE.replace("24 kbit/s", "24 /s"), f"{APPLICATION}.min_rate: expected a bit rate such as '64 kbit/s'"),
        (VOICE.replace("24 k", "65 k"), f"{APPLICATION}.min_rate: lies above demand_rate, expected at most that"),
        (
            VOICE.replace("2 min", "0 s"),
            f"{APPLICATION}.duration: expected a duration above 0 such as '1 s'",
        ),
        (VOICE.replace("}", ", shift: 9}"), f"{APPLICATION}.shift: expected a number such as 0.05, or one for each of"),
        (VOICE.replace("}", ", duration_distribution: log}"), f"{APPLICATION}.duration_distribution: expected 'expon"),
        ("voice: {}", f"{APPLICATION}.min_rate: missing, expected values of min_rate, demand_rate, duration"),
        ("voice: 3", f"{APPLICATION}: expected keys such as min_rate and demand_rate, got 3"),
        ("", "population.applications: expected a mapping from names of applications, such as voice, got none"),
        (
            VOICE.replace("voice", "'a,b'"),
            "population.applications: expected a mapping from names of applications, suc",
        ),
        (
            VOICE.replace("voice", "a" * 41),
            "population.applications: expected a mapping from names of applications, su",
        ),
    ],
)
def test_bad_applications(text: str, expected: str) -> None:
    found = problems(f"population: {{applications: {{{text}}}}}")
    assert found[0].startswith(expected)


def test_unknown_keys_of_entries_have_a_suggestion() -> None:
    text = VOICE.replace("duration", "durations")
    assert f"{APPLICATION}.durations: unknown key, did you mean 'duration'?" in problems(
        f"population: {{applications: {{{text}}}}}"
    )
    assert f"{ANYONE}.shar: unknown key, did you mean 'share'?" in problems(
        "population: {personas: {anyone: {shar: 1}}}"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("adequate: 0.8, desired: 0.7", "adequate: expected a position below the desired one, 0.7"),
        ("adequate: 0.7, desired: 0.7", "adequate: expected a position below the desired one, 0.7"),
        ("adequate: -0.1", "adequate: expected a number above 0, got -0.1"),
        ("exponent: 0", "exponent: expected a number above 0, got 0"),
        ("requests_per_day: -1", "requests_per_day: expected a number above 0, got -1"),
        ("weekday: {8: wrok}", "weekday.8: unknown place 'wrok', did you mean 'work'?"),
        ("weekend: {8.5: hom}", "weekend.8.5: unknown place 'hom', did you mean 'home'?"),
        ("weekday: {24: home}", "weekday.24: expected a start hour from 0 to below 24 such as 8 or 17:30, got '24'"),
        ("weekday: {noon: home}", "weekday.noon: expected a start hour from 0 to below 24 such as 8 or 17:30, got 'no"),
        ("weekday: {8: home, 8:00: work}", "weekday.8:00: given twice, expected each start hour once"),
        ("weekday: {8: 3}", "weekday.8: expected the name of a place or shares of several, got 3"),
        (
            "weekday: {}",
            "weekday: expected a mapping from start hours to places such as {8: work, 17.5: home}",
        ),
        ("weekday: home", "weekday: expected a mapping from start hours to places such as {8: work, 17.5: home}"),
        ("applications: {voic: 1}", "applications.voic: unknown application, did you mean 'voice'?"),
        ("applications: {voice: 0.5}", "applications: expected shares that sum to 1, got a sum of 0.5"),
        ("applications: {voice: 1.5, ar: -0.5}", "applications.ar: expected a number of 0 or more, got -0.5"),
        (
            "applications: {}",
            "applications: expected a mapping from names to shares such as {voice: 0.4, ",
        ),
        ("shifts: {mornin: 0.1}", "shifts.mornin: unknown context, did you mean 'morning'?"),
        ("shifts: {morning: {adequat: 0.1}}", "shifts.morning.adequat: unknown key, did you mean 'adequate'?"),
        (
            "shifts: {morning: {desired: 6}}",
            "shifts.morning.desired: expected a number of -5 or more and up to 5",
        ),
        (
            "shifts: {morning: more}",
            "shifts.morning: expected a number such as 0.05, or one for each of adequate",
        ),
        ("shifts: [morning]", "shifts: expected a mapping from periods, places or activities to shifts such as {walk"),
    ],
)
def test_bad_personas(text: str, expected: str) -> None:
    found = problems(f"population: {{personas: {{anyone: {{{text}}}}}}}")
    assert len(found) == 1
    assert found[0].startswith(f"{ANYONE}.{expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("personas: {a: {share: 0.5}}", "personas: expected shares that sum to 1, got a sum of 0.5"),
        ("personas: {a: {}, b: {}}", "personas: expected shares that sum to 1, got a sum of 2"),
        ("personas: {}", "personas: expected a mapping from names of personas, such as professional, got none"),
        ("personas: [a]", "personas: expected a mapping from names of personas, such as professional, got ['a']"),
        ("activities: {home: {siting: 1}}", "activities.home.siting: unknown activity, did you mean 'sitting'?"),
        ("activities: {hom: {sitting: 1}}", "activities.hom: unknown key, did you mean 'home'?"),
        ("activities: {home: {sitting: 0.9}}", "activities.home: expected shares that sum to 1, got a sum of 0.9"),
        ("profile: {night: -1}", "profile.night: expected a number of 0 or more, got -1"),
        ("profile: {evening: 1}", "profile.evening: unknown key, expected one of after_midnight, early_morning, mo"),
        ("speeds: {walking: 5}", "speeds.walking: expected a speed such as '1.4 m/s', got 5"),
        ("schedule_spread: -1 s", "schedule_spread: expected a duration of 0 or more such as '1 s', got '-1 s'"),
    ],
)
def test_bad_populations(text: str, expected: str) -> None:
    found = problems(f"population: {{{text}}}")
    assert len(found) == 1
    assert found[0].startswith(f"population.{expected}")


def test_a_day_without_any_requests() -> None:
    silent = ", ".join(f"{period}: 0" for period in PERIODS)
    found = problems(f"population: {{profile: {{{silent}}}}}")
    assert found == ["population.profile: expected a number above 0 for at least one period"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("form: powr", "form: expected 'zone', 'power', 'logistic' or 'iqx', got 'powr'"),
        ("spread: -1", "spread: expected a number of 0 or more, got -1"),
        ("slope_below: 0", "slope_below: expected a number above 0, got 0"),
        ("form: power, slope_above: 2", "slope_above: has no meaning here, expected form: zone or the default"),
        ("wait_at_demand: 1 s", "wait_at_demand: has no meaning here, expected form: logistic or iqx or the default"),
        ("delay_spread: log-normal", "delay_spread: has no meaning here, expected form: logistic or the default"),
        ("noise: sos, noise_deviation: 1", "noise_deviation: has no meaning here, expected noise: normal or the def"),
        ("sos: 0.3", "sos: has no meaning here, expected noise: sos or the default"),
        (
            "predictor: orcale",
            "predictor: expected oracle, typical or the path of a file that mecsim fit wrote, got",
        ),
        ("predictor: 3", "predictor: expected oracle, typical or the path of a file that mecsim fit wrote, got 3"),
        ("predictor: ''", "predictor: expected oracle, typical or the path of a file that mecsim fit wrote, got ''"),
    ],
)
def test_bad_satisfaction(text: str, expected: str) -> None:
    found = problems(f"satisfaction: {{{text}}}")
    assert len(found) == 1
    assert found[0].startswith(f"satisfaction.{expected}")


def test_predictors(tmp_path: Any) -> None:
    assert read("").satisfaction.predictor == "oracle"
    assert read("satisfaction: {predictor: typical}").satisfaction.predictor == "typical"
    scenario = parse_scenario(HEAD + "satisfaction: {predictor: fitted/zones.mecsim}", folder=tmp_path)
    assert isinstance(scenario, CellsScenario)
    assert scenario.satisfaction.predictor == str(tmp_path / "fitted" / "zones.mecsim")


def test_waits_of_the_forms() -> None:
    assert Satisfaction(form="logistic").law.wait_s == 0.1
    assert Satisfaction(form="iqx").law.wait_s == 1.0
    assert Satisfaction(form="iqx", wait_at_demand_s=3.0).law.wait_s == 3.0
