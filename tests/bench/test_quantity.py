"""Keys tell units; repetitions come to a value; rounds are spread."""

from collections import Counter
from itertools import pairwise

import pytest

from mecsim.bench.quantity import ROUNDS, Probe, Quantity, in_rounds


@pytest.mark.parametrize(
    ("key", "name", "unit", "sign", "value"),
    [
        ("batched_env_steps_per_s", "batched env", "steps/s", 1, 9.0),
        ("training_updates_per_s", "training", "updates/s", 1, 9.0),
        ("contended_batched_env_steps_per_s", "contended batched env", "steps/s", 1, 2.0),
        ("contended_to_one_thread", "contended to one thread", "×", 1, 2.0),
        ("batched_to_simpy", "batched to simpy", "×", 1, 9.0),
        ("agent_decision_p99_us", "agent decision p99", "µs", -1, 1.0),
        ("update_ms", "update", "ms", -1, 1.0),
        ("start_first_cpu_s", "start first cpu", "s", -1, 1.0),
        ("memory_of_4096_envs_mib", "memory of 4096 envs", "MiB", -1, 1.0),
        ("training_rest_share", "training rest", "%", 0, 4.0),
    ],
)
def test_a_key_tells_everything(key: str, name: str, unit: str, sign: int, value: float) -> None:
    quantity = Quantity(key)
    assert (quantity.name, quantity.unit, quantity.sign) == (name, unit, sign)
    assert quantity.value([2.0, 9.0, 1.0]) == value


def test_each_probe_has_its_rounds_evenly_spread() -> None:
    probes = [Probe(str(rounds), dict, rounds) for rounds in range(1, ROUNDS + 1)]
    plan = list(in_rounds(probes))
    assert Counter(probe.label for _, probe in plan) == {str(rounds): rounds for rounds in range(1, ROUNDS + 1)}
    assert [turn for turn, _ in plan] == sorted(turn for turn, _ in plan)
    for probe in probes:
        turns = [turn for turn, planned in plan if planned is probe]
        apart = [later - earlier for earlier, later in pairwise(turns)]
        assert all(abs(gap - ROUNDS / probe.rounds) < 1.0 for gap in apart)
