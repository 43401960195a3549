"""What the offloading tests share: small and extreme scenarios, tapes by hand, playing an engine, a plain oracle."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.core.cuda import why_not
from mecsim.core.engine import Observation
from mecsim.core.target import in_numpy
from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.schema.units import CountRange, Place, Uniform
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.cuda import CudaOffloadEngine
from mecsim.systems.offload.demand import Dispatch, Episode, Mobility, Tasks, TaskSize, Users
from mecsim.systems.offload.engine import OffloadEngine
from mecsim.systems.offload.layout import SHORTFALL, layout_of, offload_spec
from mecsim.systems.offload.network import Channel, Cloud, Device, Edge, Energy, NamedEdge, Price, Servers
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import Histogram, OffloadScenario
from mecsim.systems.offload.scenario import Observation as ObservationOptions
from mecsim.systems.offload.simpy import SimpyOffloadEngine
from mecsim.systems.offload.tape import OffloadTapes

Array = NDArray[np.float64]
ENGINES: dict[str, Any] = {"simpy": SimpyOffloadEngine, "batched": BatchedOffloadEngine}
if not why_not():
    ENGINES["cuda"] = CudaOffloadEngine


def make_scenario(**sections: Any) -> OffloadScenario:
    """A scenario in SI units, with the defaults of the format."""
    return OffloadScenario(mecsim=1, kind="offload", **sections)


@st.composite
def scenarios(draw: st.DrawFn, max_edges: int = 16) -> OffloadScenario:
    """Any scenario an engine can be given, kept small: from idle to overloaded, uploads from instant to endless."""
    step_s = draw(st.sampled_from([0.01, 0.25, 1.0, 7.3]))
    count = draw(st.integers(1, 5))
    per_step = draw(st.sampled_from([1.0, 0.0, 0.7, 0.1, 2.0, 8.0]))
    mean_bit = draw(st.sampled_from(["balanced", 2e5, 5e6, 4e7]) if per_step else st.just(5e6))
    clip_bit = draw(st.sampled_from([None, Uniform(0.1e6, 100e6), Uniform(1e5, 5e7)]))
    distribution = draw(st.sampled_from(["exponential", "deterministic", "hyperexponential", "uniform"]))
    size: dict[str, Any] = {"distribution": distribution, "mean_bit": mean_bit, "clip_bit": clip_bit}
    if distribution == "hyperexponential":
        size["scv"] = draw(st.sampled_from([1.5, 4.0, 30.0]))
    if mean_bit == "balanced":
        size["load"] = draw(st.sampled_from([0.3, 1.0, 2.0]))
    model = draw(st.sampled_from(["gmorl", "rayleigh"]))
    low, high = sorted([draw(st.sampled_from([1, max_edges, 1, 2, 3, 6])), draw(st.sampled_from([1, 2, 6, max_edges]))])
    steps, per_task = draw(st.sampled_from([20, 28, 1, 35, 24])), per_step > 0.0 and draw(st.booleans())
    episode = Episode(steps=steps, step_s=step_s)
    if per_task:
        episode = Episode(span_s=6.0 * step_s / per_step) if draw(st.booleans()) else Episode(steps=steps)
    return make_scenario(
        episode=episode,
        dispatch=Dispatch(decide="task" if per_task else "step"),
        users=Users(count=count, arrival_rate_per_s=per_step / (count * step_s)),
        tasks=Tasks(
            size=TaskSize(**size),
            cycles_per_bit=draw(st.sampled_from([1000.0, 330.0])),
        ),
        servers=Servers(
            cloud=Cloud(count=draw(st.sampled_from([0, 1]))),
            edge=Edge(count=CountRange(low, high), cpu_hz=Uniform(0.5e9, 3e9)),
        ),
        channel=Channel(
            model=model,
            bandwidth_hz=draw(st.sampled_from([16.6e6, 1e5, 1e9])),
            tx_power_w=draw(st.sampled_from([0.01, 2.0, 50.0])),
            noise_figure_db=0.0 if model == "gmorl" else draw(st.sampled_from([0.0, 5.0])),
        ),
        observation=ObservationOptions(
            histogram=Histogram(
                bins=draw(st.sampled_from([1, 2, 60])), width_bit=draw(st.sampled_from([1e5, 1e6, 3e7]))
            ),
            cost_features=draw(st.booleans()),
            upcoming=draw(st.sampled_from([0, 1, 3])),
        ),
    )


def gap_s(scenario: OffloadScenario) -> float:
    """The time between two decisions, where these are when tasks arrive on average."""
    return 1.0 / scenario.arrival_rate_per_s if scenario.per_task else scenario.episode.step_s


@st.composite
def ratings(draw: st.DrawFn, step_s: float) -> DelaySatisfaction:
    """How users may rate delays, from impatient to indifferent."""
    typical_s = step_s * draw(st.sampled_from([5.0, 0.3, 40.0]))
    spread = draw(st.sampled_from([0.5, 0.0, 2.0]))
    if draw(st.booleans()):
        return DelaySatisfaction(
            adequate_s=typical_s,
            desired_s=typical_s / draw(st.sampled_from([4.0, 1.5])),
            slope_below=draw(st.sampled_from([1.0, 0.4, 3.0])),
            slope_above=draw(st.sampled_from([1.0, 0.4, 3.0])),
            spread=spread,
        )
    measured = draw(st.booleans())
    return DelaySatisfaction(
        form="logistic",
        centre_s=typical_s,
        steepness_per_s=draw(st.sampled_from([1.0, 5.0])) / typical_s,
        delay_spread="measured" if measured else "log-normal",
        spread=0.5 if measured else spread,
    )


@st.composite
def named_edges(draw: st.DrawFn, placed: bool, powered: bool, asked: Price) -> dict[str, NamedEdge]:
    """Some edges that differ; none where the scenario tells them by ranges."""
    at = placed and draw(st.booleans())
    each: dict[str, Any] = {}
    for name in ("library", "sports-hall", "gate", "lab")[: draw(st.sampled_from([0, 0, 1, 2, 4]))]:
        each[name] = {"cpu_hz": draw(st.sampled_from([Uniform(5e8, 5e8), Uniform(1e9, 3e9), Uniform(4e9, 4e9)]))}
        each[name]["price"] = draw(st.sampled_from([Price(per_gigabit=1.0), asked])) if asked != Price() else asked
        if at:
            each[name]["at"] = Place(draw(st.sampled_from([0.0, -300.0, 500.0])), draw(st.sampled_from([10.0, 2e3])))
        if not placed:
            each[name]["distance_m"] = draw(st.sampled_from([Uniform(20.0, 20.0), Uniform(50.0, 500.0)]))
        if powered:
            each[name]["power_w"] = draw(st.sampled_from([None, "ibm-x5675", (0.0, 10.0), (30.0, 30.0, 80.0)]))
    return {name: NamedEdge(**values) for name, values in each.items()}


@st.composite
def optional_scenarios(draw: st.DrawFn, max_edges: int = 5) -> OffloadScenario:
    """The same with any of what a scenario may have beyond the paper's system."""
    plain = draw(scenarios(max_edges))
    queue = draw(st.sampled_from(["fifo", "priority", "edf"]))
    scheduling = draw(st.sampled_from(["sharing", "priority"]))
    classes = queue == "priority" or scheduling == "priority" or draw(st.booleans())
    deadline_s = Uniform(0.5 * gap_s(plain), 9.0 * gap_s(plain))
    model = draw(st.sampled_from(["gmorl", "rayleigh", "uma", "umi"]))
    mobility = draw(st.sampled_from(["none", "fixed", "waypoint"]))
    rated = draw(st.none() | ratings(gap_s(plain)))
    late, output_bit = draw(st.booleans()), draw(st.sampled_from([None, Uniform(1e4, 1e4), Uniform(0.5e6, 30e6)]))
    objectives = ["delay", "energy", *(["satisfaction"] if rated is not None and draw(st.booleans()) else [])]
    objectives += ["misses"] if late and draw(st.booleans()) else []
    speed: dict[str, Any] = {"speed_m_per_s": Uniform(1.0, 30.0)} if mobility == "waypoint" else {}
    asked = draw(st.sampled_from([Price(), Price(per_gigacycle=0.2, per_gigabit=7.0)]))
    curve = tuple(sorted(draw(st.lists(st.sampled_from([0.0, 1.0, 50.0, 93.7, 200.0]), min_size=2, max_size=5))))
    powered = not plain.per_task and draw(st.booleans())
    edges = draw(named_edges(mobility != "none", powered, asked))
    default = {"edge_power_w": curve} if any(edge.power_w is None for edge in edges.values()) or not edges else {}
    return make_scenario(
        episode=plain.episode,
        users=plain.users.model_copy(update={"mobility": Mobility(model=mobility, **speed)}),
        tasks=plain.tasks.model_copy(
            update={
                "deadline_s": deadline_s if queue == "edf" or late else None,
                "priorities": (0.2, 0.5, 0.3) if classes else (1.0,),
                "cycles_distribution": draw(st.sampled_from(["deterministic", "uniform", "exponential"])),
                "output_bit": output_bit,
            }
        ),
        dispatch=Dispatch(queue=queue, waiting_in_delay=draw(st.booleans()), decide=plain.dispatch.decide),
        servers=Servers(
            cloud=plain.servers.cloud.model_copy(update={"price": asked if plain.servers.cloud.count else Price()}),
            scheduling=scheduling,
            device=draw(st.sampled_from([None, Device(cpu_hz=Uniform(0.5e9, 1.5e9))])),
            **({"edges": edges} if edges else {"edge": plain.servers.edge.model_copy(update={"price": asked})}),
        ),
        channel=Channel(
            model=model,
            bandwidth_hz=draw(st.sampled_from([16.6e6, 1e5])),
            tx_power_w=draw(st.sampled_from([0.01, 2.0])),
            rx_power_w=0.0 if output_bit is None else draw(st.sampled_from([0.0, 0.5])),
            fading=draw(st.sampled_from(["episode", "step", "ar1"])),
            multipath=draw(st.sampled_from(["rayleigh", "rician"])),
            interference=draw(st.booleans()),
            adaptation=draw(st.sampled_from(["shannon", "cqi"])),
        ),
        energy=Energy(model="power-curve", **default) if powered else Energy(),
        satisfaction=rated,
        objectives=tuple(objectives) + ("price",) * (asked != Price()),
        observation=plain.observation,
    )


def hand_made(
    arrivals: list[int], size_bit: list[float], rate_bit_per_s: list[float], cpu_hz: list[float]
) -> tuple[OffloadScenario, OffloadTapes]:
    """One user's episode, step 1 s, with 1000 cycles per bit; one rate and one CPU per server, the first the cloud."""
    servers = len(cpu_hz)
    scenario = make_scenario(
        episode=Episode(steps=len(arrivals), step_s=1.0),
        users=Users(count=1, arrival_rate_per_s=1.0),
        servers=Servers(edge=Edge(count=CountRange(servers - 1, servers - 1))),
    )
    tapes = OffloadTapes(
        num_servers=np.array([servers]),
        cpu_hz=np.array([cpu_hz], np.float64),
        decision_s=np.arange(len(arrivals) + 1.0)[None],
        arrivals=np.array([arrivals]),
        user=np.zeros((1, len(size_bit)), np.int64),
        size_bit=np.array([size_bit], np.float64),
        deadline_s=np.full((1, len(size_bit)), np.inf),
        priority=np.zeros((1, len(size_bit)), np.int64),
        cycles_per_bit=np.full((1, len(size_bit)), 1000.0),
        output_bit=np.zeros((1, len(size_bit))),
        link=np.zeros((1, len(size_bit)), np.int64),
        distance_m=np.ones((1, 1, servers)),
        snr=np.zeros((1, 0, 0)),
        rate_bit_per_s=np.array([[rate_bit_per_s]], np.float64),
        device_hz=np.zeros((1, 0)),
        patience=np.zeros((1, 0, 2)),
    )
    return scenario, tapes


def bunched(scenario: OffloadScenario, tapes: OffloadTapes) -> OffloadTapes:
    """The same where decisions are when tasks arrive, but that about three arrive at a time."""
    every_s = 3.0 * gap_s(scenario)
    decision_s = np.floor(tapes.decision_s / every_s) * every_s
    decision_s[:, -1] = tapes.decision_s[:, -1]
    decision_s[tapes.decision_s == tapes.decision_s[:, -1:]] = np.inf  # after the last task
    decision_s = np.minimum(decision_s, tapes.decision_s[:, -1:])
    arrivals = np.zeros_like(tapes.arrivals)
    for n, count in enumerate(tapes.arrivals.sum(axis=1).tolist()):
        first = np.searchsorted(decision_s[n, :count], decision_s[n, :count])
        np.add.at(arrivals[n], first, 1)
    return replace(tapes, decision_s=decision_s, arrivals=arrivals)


def num_options(tapes: OffloadTapes) -> NDArray[np.int64]:
    """The number of choices in each episode, (N,): its servers, and the user's device, where there are any."""
    return tapes.num_servers + (tapes.device_hz.shape[1] > 0)


def random_actions(tapes: OffloadTapes, seed: int, crowding: float = 0.0) -> NDArray[np.int64]:
    """Options (T, N) that exist, uniformly drawn; with probability `crowding` the first server instead."""
    rng = np.random.default_rng(seed)
    shape = (tapes.arrivals.shape[1], len(tapes))
    return np.where(rng.random(shape) < crowding, 0, rng.integers(0, num_options(tapes), shape))


@dataclass(frozen=True)
class Played:
    """Everything an engine said about N episodes."""

    options: Array  # (T + 1, N, A, F)
    mask: NDArray[np.int8]  # (T + 1, N, A)
    context: Array  # (T + 1, N, G)
    option_costs: Array  # (T, N, A, Q) minus the rewards
    cost: Array  # (T, N, Q) likewise
    records: OffloadRecords
    shortfall: int | None  # the column of costs with that of satisfaction
    shown_shortfall: int | None  # likewise of `options`


def play(name: str, scenario: OffloadScenario, tapes: OffloadTapes, actions: NDArray[np.int64]) -> Played:
    """Play fixed actions (T, N) and note all observations (float64), option costs and costs."""
    engine: OffloadEngine = ENGINES[name](scenario)
    spec = offload_spec(scenario)

    def observed() -> Observation:
        out = Observation.empty(len(tapes), spec.shape, engine.xp.float64, engine.xp)
        for array in (out.options, out.mask, out.context):
            array[:] = 77  # what an engine forgets to write shows
        engine.observe(out)
        return Observation(*map(in_numpy, out))

    engine.begin(tapes)
    observations, option_costs, costs = [observed()], [], []
    for action in actions:
        option_costs.append(-in_numpy(engine.option_rewards()))
        costs.append(-in_numpy(engine.step(action)))
        observations.append(observed())
    assert observations[0].context.shape == (len(tapes), layout_of(scenario).shape[2])
    shown = layout_of(scenario).cost_columns
    return Played(
        options=np.stack([o.options for o in observations]),
        mask=np.stack([o.mask for o in observations]),
        context=np.stack([o.context for o in observations]),
        option_costs=np.stack(option_costs),
        cost=np.stack(costs),
        records=engine.records(),
        shortfall=SHORTFALL if spec.rated else None,
        shown_shortfall=shown[SHORTFALL] if spec.rated and shown else None,
    )


def assert_same_play(one: Played, other: Played, rtol: float = 1e-9) -> None:
    """Everything agrees to `rtol`; whole numbers agree exactly.

    Ratings lie between 0 and 5, and what they lose may be next to nothing: they agree to 5·`rtol`. The energy of a
    short upload is power times the difference of two late times, known to the rounding of the largest energy.
    """
    for field in fields(OffloadRecords):
        a, b = getattr(one.records, field.name), getattr(other.records, field.name)
        if a.dtype == np.int64:
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            atol = {"satisfaction": 5.0 * rtol, "energy_j": 1e-11 * a.max(initial=0.0)}.get(field.name, 0.0)
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=field.name)
    np.testing.assert_array_equal(one.mask, other.mask)
    rated = {"cost": one.shortfall, "option_costs": one.shortfall, "options": one.shown_shortfall}
    for name in ("cost", "option_costs", "context", "options"):
        a, b = getattr(one, name), getattr(other, name)
        columns = np.arange(a.shape[-1])
        close = np.isclose(a, b, rtol=rtol, atol=np.where(columns == rated.get(name), 5.0 * rtol, 0.0))
        assert close.all(), f"{name}: {a[~close][:5]} and {b[~close][:5]} in columns {np.nonzero(~close)[-1][:5]}"


def class_finish_s(start_s: Array, size_bit: Array, level: NDArray[np.int64], speed_bit_per_s: float) -> Array:
    """When each task leaves a server that only the most urgent level present shares; all alike: plain sharing."""
    order = list(np.argsort(start_s, kind="stable"))
    finish_s = np.full(len(size_bit), np.nan)
    left: dict[int, float] = {}
    now = 0.0
    while left or order:
        served = [i for i in left if level[i] == min(level[j] for j in left)]
        first = min(served, key=lambda i: left[i], default=-1)
        done = now + left[first] * len(served) / speed_bit_per_s if served else np.inf
        arrival = start_s[order[0]] if order else np.inf
        event = min(done, arrival)
        for i in served:
            left[i] -= (event - now) * speed_bit_per_s / len(served)
        now = event
        if done <= arrival:
            finish_s[first] = now
            del left[first]
        else:
            joining = int(order.pop(0))
            left[joining] = float(size_bit[joining])
    return finish_s


def processor_sharing_finish_s(upload_end_s: Array, size_bit: Array, speed_bit_per_s: float) -> Array:
    """When each task leaves one egalitarian processor-sharing server."""
    return class_finish_s(upload_end_s, size_bit, np.zeros(len(size_bit), np.int64), speed_bit_per_s)
