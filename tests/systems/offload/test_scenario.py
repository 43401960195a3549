"""The scenario's attributes, defaults and checks across fields, for Python callers."""

import pickle

import pytest
from pydantic import ValidationError

from mecsim.errors import ScenarioError
from mecsim.scenario import parse_scenario, with_context
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.demand import TaskSize, Users
from mecsim.systems.offload.network import Channel, Edge
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import offload_scenario, parse_offload

HEAD = "mecsim: 1\nkind: offload\n"


def plain() -> OffloadScenario:
    return OffloadScenario(mecsim=1, kind="offload")


def test_defaults_are_the_training_space_of_the_paper() -> None:
    scenario = plain()
    assert (scenario.episode.steps, scenario.episode.step_s) == (100, 1.0)
    assert (scenario.users.count, scenario.users.arrival_rate_per_s) == (10, 0.1)
    assert scenario.tasks.size.mean_bit == "balanced"
    assert scenario.tasks.size.clip_bit == Uniform(0.1e6, 100e6)
    assert scenario.tasks.cycles_per_bit == 1000
    assert scenario.servers.cloud.count == 1
    assert scenario.servers.cloud.cpu_hz == Uniform(3.5e9, 4.5e9)
    assert scenario.servers.edge.count == CountRange(1, 8)
    assert scenario.servers.edge.cpu_hz == Uniform(1.75e9, 2.25e9)
    assert (scenario.channel.bandwidth_hz, scenario.channel.tx_power_w) == (16.6e6, 0.01)
    assert scenario.energy.capacitance == 5e-31
    assert scenario.objectives == ("delay", "energy")
    assert scenario.max_servers == 9
    assert scenario.expected_arrivals == pytest.approx(100)


def test_python_takes_si_values_by_attribute_name() -> None:
    assert Users(count=3, arrival_rate_per_s=0.2).arrival_rate_per_s == 0.2
    edge = Edge(count=CountRange(2, 2), cpu_hz=Uniform(2e9, 2e9))
    assert edge.cpu_hz == Uniform(2e9, 2e9)
    assert Channel(tx_power_w=0.1).tx_power_w == 0.1


def test_scenarios_are_immutable_hashable_and_picklable() -> None:
    scenario = offload_scenario("gmorl-e6")
    with pytest.raises(ValidationError):
        scenario.description = "changed"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(scenario)) == scenario  # noqa: S301
    assert hash(scenario) == hash(offload_scenario("gmorl-e6"))


def test_unknown_attributes_are_refused() -> None:
    with pytest.raises(ValidationError):
        Users(number=3)  # type: ignore[call-arg]


def test_an_explicit_mean_has_no_load() -> None:
    with pytest.raises(ValidationError, match="load: has no meaning with an explicit mean"):
        TaskSize(mean_bit=20e6, load=0.5)
    assert TaskSize(mean_bit=20e6).mean_bit == 20e6


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(HEAD + text, "f.yaml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "users: {arrival_rate: 0 /s}",
            "f.yaml:3: users.arrival_rate: a balanced task size needs arrivals, "
            "expected a rate above 0 or an explicit mean",
        ),
        (
            "users: {count: 100000, arrival_rate: 2 /s}",
            "f.yaml:3: users: 20,000,000 tasks expected per episode, expected at most 10,000,000",
        ),
        (
            "users: {count: 100000, arrival_rate: 1 /s}\nservers: {edge: {count: 256}}",
            "f.yaml:3: users.count: one episode needs about 1.4 GiB of memory, "
            "expected at most 1 GiB: fewer users, edges or arrivals, or shorter episodes",
        ),
        ("objectives: [delay, delay]", "f.yaml:3: objectives: expected each objective once, got one twice"),
        ("objectives: []", "f.yaml:3: objectives: expected at least one entry, got []"),
        (
            "objectives: [delay, energy, misses, price, delay, energy]",
            "f.yaml:3: objectives: expected at most 5 entries, got 6",
        ),
        (
            "objectives: [delay, satisfaction]",
            "f.yaml:3: objectives: satisfaction is not modelled, expected a section of that name or other objectives",
        ),
        (
            "satisfaction: {adequate: 5 s, desired: 20 s}",
            "f.yaml:3: satisfaction.desired: expected a delay at least 1 % shorter than the adequate one, 5 s, "
            "got 20 s",
        ),
        (
            "satisfaction: {adequate: -5 s}",
            "f.yaml:3: satisfaction.adequate: expected a duration above 0 such as '1 s', got '-5 s'",
        ),
        (
            "satisfaction: {centre: 3 s}",
            "f.yaml:3: satisfaction.centre: has no meaning here, expected form: logistic or the default",
        ),
        (
            "satisfaction: {form: logistic, desired: 3 s}",
            "f.yaml:3: satisfaction.desired: has no meaning here, expected form: zone or the default",
        ),
        (
            "satisfaction: {form: logistic, spread: 1}",
            "f.yaml:3: satisfaction.spread: has no meaning here, expected delay_spread: log-normal or the default",
        ),
        ("satisfaction: {spread: 11}", "f.yaml:3: satisfaction.spread: expected at most 10, got 11"),
        (
            "satisfaction: {}\nevaluation: {scale: {delay: 1 s, energy: 1 J, satisfaction: 0}}",
            "f.yaml:4: evaluation.scale.satisfaction: expected above 0 and up to 5, got 0",
        ),
        (
            "satisfaction: {}\nevaluation: {reference: {delay: 1 s, energy: 1 J, satisfaction: 6}}",
            "f.yaml:4: evaluation.reference.satisfaction: expected from 0 to 5, got 6",
        ),
        (
            "satisfaction: {}\nobjectives: [satisfaction]\nevaluation: {scale: {delay: 1 s}}",
            "f.yaml:5: evaluation.scale.satisfaction: missing, expected a value for every objective or no block at all",
        ),
        (
            "evaluation:\n  reference:\n    delay: 3000 s",
            "f.yaml:4: evaluation.reference.energy: missing, expected a value for every objective or no block at all",
        ),
        (
            "tasks:\n  size:\n    mean: 5 Mbit\n    load: 0.5",
            "f.yaml:6: tasks.size.load: has no meaning with an explicit mean, expected 'mean: balanced' or no load",
        ),
        (
            "tasks:\n  size:\n    mean: 500 Mbit",
            "f.yaml:5: tasks.size.mean: lies outside the clip range, expected a mean within it or 'clip: null'",
        ),
        (
            "energy: {edge_power: [10 W, 20 W]}",
            "f.yaml:3: energy.edge_power: has no meaning here, expected model: power-curve or the default",
        ),
        (
            "energy: {cloud_power: ml110-g5}",
            "f.yaml:3: energy.cloud_power: has no meaning here, expected model: power-curve or the default",
        ),
        (
            "energy: {model: power-curve, capacitance: 1e-30}",
            "f.yaml:3: energy.capacitance: has no meaning here, expected model: dynamic or the default",
        ),
        (
            "tasks: {size: {scv: 3}}",
            "f.yaml:3: tasks.size.scv: has no meaning here, expected distribution: hyperexponential or the default",
        ),
        (
            "tasks: {trace: {start: random}}",
            "f.yaml:3: tasks.trace.start: has no meaning here, expected a file or the default",
        ),
        (
            "users: {mobility: {model: fixed, speed: 3 m/s}}",
            "f.yaml:3: users.mobility.speed: has no meaning here, expected model: waypoint or the default",
        ),
        (
            "users: {mobility: {pause: 3 s}}",
            "f.yaml:3: users.mobility.pause: has no meaning here, expected model: waypoint or the default",
        ),
        (
            "users: {mobility: {width: 500 m}}",
            "f.yaml:3: users.mobility.width: has no meaning here, expected model: fixed, waypoint or trace or the "
            "default",
        ),
    ],
)
def test_checks_across_fields(text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_what_the_checks_allow() -> None:
    assert parse_offload(HEAD + "users: {arrival_rate: 0 /s}\ntasks: {size: {mean: 5 Mbit}}").expected_arrivals == 0
    assert parse_offload(HEAD + "tasks: {size: {mean: 500 Mbit, clip: null}}").tasks.size.clip_bit is None
    only_delay = parse_offload(HEAD + "objectives: [delay]\nevaluation: {reference: {delay: 3000 s}}")
    assert only_delay.evaluation.reference is not None
    assert only_delay.evaluation.reference.delay_s == 3000
    assert only_delay.evaluation.scale is None
    rated = parse_offload(
        HEAD + "satisfaction: {}\nobjectives: [satisfaction]\nevaluation: {reference: {satisfaction: 0}}"
    )
    assert rated.evaluation.reference is not None
    assert rated.evaluation.reference.satisfaction == 0
    logistic = parse_offload(HEAD + "satisfaction: {form: logistic, delay_spread: log-normal, spread: 1}")
    assert logistic.satisfaction is not None
    assert (logistic.satisfaction.spread, logistic.objectives) == (1.0, ("delay", "energy"))


def test_context_replaces_values() -> None:
    scenario = with_context(
        offload_scenario("gmorl"),
        {"edges": "4", "servers.edge.cpu": "2 GHz", "servers.cloud.cpu": "[3, 5] GHz", "tasks.size.mean": "5 Mbit"},
    )
    assert scenario.servers.edge.count == CountRange(4, 4)
    assert scenario.servers.edge.cpu_hz == Uniform(2e9, 2e9)
    assert scenario.servers.cloud.cpu_hz == Uniform(3e9, 5e9)
    assert scenario.tasks.size.mean_bit == 5e6
    again = with_context(scenario, {"tasks.size.mean": "balanced", "tasks.size.load": "0.8"})
    assert again.tasks.size.load == 0.8
    assert with_context(offload_scenario("gmorl"), {}) == offload_scenario("gmorl")
    e6 = offload_scenario("gmorl-e6")
    assert with_context(offload_scenario("gmorl"), {"edges": "[1, 3]"}).max_servers == 4
    assert with_context(e6, {"evaluation.reference": "null"}).evaluation.reference is None


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("edge", "4", "edge: unknown key, did you mean 'edges'?"),
        ("servers.egde.cpu", "2 GHz", "servers.egde.cpu: unknown key, did you mean 'servers.edge.cpu'?"),
        ("bandwidth", "2 GHz", "bandwidth: unknown key, did you mean 'channel.bandwidth'?"),
        ("zzz", "1", "zzz: unknown key, expected a key such as 'edges' or 'servers.edge.cpu'"),
        ("edges", "0", "servers.edge.count: expected at least 1, got 0"),
        ("edges", "4\nusers: 3", "servers.edge.count: expected a single value, got '4\\nusers: 3'"),
        ("edges", "", "servers.edge.count: expected a whole number from 1 to 1024, got nothing"),
        ("servers.edge.cpu", "2", "servers.edge.cpu: expected a frequency such as '16.6 MHz', got 2"),
        ("servers.edge", "!!python/name:os {}", None),
        ("edges", "[[", None),
    ],
)
def test_bad_contexts_name_the_key(key: str, value: str, problem: str | None) -> None:
    with pytest.raises(ScenarioError) as caught:
        with_context(offload_scenario("gmorl"), {key: value})
    found = caught.value.problems
    assert all(line.startswith("--context: ") and "\n" not in line for line in found)
    if problem is not None:
        assert found == [f"--context: {problem}"]


def test_every_bad_context_is_reported() -> None:
    with pytest.raises(ScenarioError) as caught:
        with_context(offload_scenario("gmorl"), {"edges": "0", "nothing": "1", "users.count": "x"})
    assert len(caught.value.problems) == 3
