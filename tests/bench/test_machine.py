"""The yardstick of the machine uses the threads that it is said to."""

import pytest

from mecsim.bench import machine
from mecsim.core.threads import on_threads


def test_all_threads_and_one_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_hashes_per_s", float)
    with on_threads(3):
        assert machine.machine_probe().measure() == {
            "machine_hashes_per_s": 3.0,
            "one_thread_machine_hashes_per_s": 1.0,
        }


def test_each_thread_has_its_own_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []
    monkeypatch.setattr("hashlib.sha256", hashed.append)
    assert machine._hashes_per_s(3) > 0.0
    assert len(hashed) == 3 * machine.HASHES
