"""Kernels on a GPU: all of them compile for one, and in numba-cuda's simulator they do what the others do."""

import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numba import typeof, types

from mecsim.core.cuda import Cuda, cuda, device_kernel, why_not
from mecsim.core.engine import Observation
from mecsim.core.system import draw_episodes, new_episodes
from mecsim.core.target import Host
from mecsim.errors import InputError
from mecsim.policies import policies_of
from mecsim.scenario import load_scenario
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from tests.systems.offload.offloading import optional_scenarios

COMPUTE_CAPABILITY = (9, 0)
SCENARIOS = ("gmorl-e6", "gmorl-personal", "personalized-quick")
"""One of each class of spec: plain servers, contended ones, cells."""

CHEAP = "cuda and (engines and (gmorl-e6 or personal) or test_any or test_rollouts)"
"""What is simulated of the tests: of each class of spec one scenario at least, and random ones."""

Asked = tuple[Callable[..., None], tuple[Any, ...]]


class _Noting(Host):
    """Notes what it runs."""

    def __init__(self) -> None:
        self.asked: dict[tuple[Callable[..., None], str], tuple[Any, ...]] = {}

    def over_rows(self, kernel: Callable[..., None], rows: int, *arguments: object, cost: int = 1) -> None:
        self.asked[kernel, str(typeof(arguments))] = arguments
        Host.over_rows(kernel, rows, *arguments, cost=cost)


def _asked(name: str) -> list[Asked]:
    """Every kernel that playing a scenario runs, with its arguments: once for all arguments of the same types."""
    scenario = load_scenario(name)
    episodes, noting = new_episodes(scenario, "batched"), _Noting()
    engine: Any = episodes.engine
    engine.target = noting
    observation = episodes.begin(draw_episodes(scenario, 0, 0, 2))
    wanted = np.full((2, len(scenario.objectives)), 1.0 / len(scenario.objectives))
    for entry in policies_of(scenario).values():
        if not entry.costly:
            entry.make(scenario, 0).act(episodes, observation, wanted)
    action = observation["mask"].argmax(axis=1)
    precise = Observation.empty(2, episodes.layout.shape, np.float64)
    engine.observe(precise)
    engine.fork().step(action)
    engine.fork().step_and_observe(action, precise)
    episodes.step(action)
    engine.records()
    return [(kernel, arguments) for (kernel, _), arguments in noting.asked.items()]


@pytest.mark.skipif(cuda.implementation == "Built-in", reason="needs numba-cuda, which brings a compiler along")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_kernel_compiles_for_a_gpu(scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one: only when helpers are compiled, the compiler asks for whom."""
    monkeypatch.setattr(
        "numba.cuda.dispatcher.get_current_device", lambda: SimpleNamespace(compute_capability=COMPUTE_CAPABILITY)
    )
    for kernel, arguments in _asked(scenario):
        signature = types.int64, typeof(arguments)
        function = device_kernel(kernel, type(arguments[0]))
        code, _ = cuda.compile(function, signature, device=False, cc=COMPUTE_CAPABILITY, abi="numba")
        assert ".target sm_90" in code
        assert ".entry" in code


@given(scenario=optional_scenarios())
def test_options_are_values_of_a_spec_and_no_types(scenario: OffloadScenario) -> None:
    """So that what compiles for one scenario of a class of spec compiles for all."""
    engine = BatchedOffloadEngine(scenario)
    engine.begin(draw_tapes(scenario, 0, 0, 1))
    other = BatchedOffloadEngine(load_scenario("gmorl-personal" if engine.spec.contended else "gmorl-e6"))  # type: ignore[arg-type]
    other.begin(draw_tapes(other.scenario, 0, 0, 1))
    assert typeof((engine.spec, engine.state)) == typeof((other.spec, other.state))


def test_the_simulated_device_does_what_the_other_engines_do() -> None:
    """In a process of its own, as whether to simulate is decided when Numba is imported."""
    own = ("systems/offload", "systems/cells", "training")
    files = ("tests/conformance", *(f"tests/{folder}/test_cuda.py" for folder in own))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", CHEAP]
    simulated = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run(command, env=simulated, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.skipif(not why_not(), reason="there is a GPU")
def test_without_a_gpu_one_line_says_what_is_missing() -> None:
    with pytest.raises(InputError, match=r"^the engine cuda needs a GPU of NVIDIA and numba-cuda \(pip install"):
        new_episodes(load_scenario("quickstart"), "cuda")
    with pytest.raises(InputError):
        Cuda()
