"""How long a first and a later command take: what is run, and that a failure is told."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from mecsim.bench import start
from mecsim.bench.start import measure_start
from mecsim.errors import MecsimError


def test_all_calls_share_a_folder_that_was_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    folders, entries = [], []

    def run(command: list[str], env: dict[str, str], **others: Any) -> subprocess.CompletedProcess[str]:
        assert command[-4:] == ["simulate", "quickstart", "--episodes", "2"]
        folder = Path(env["MECSIM_CACHE_DIR"])
        folders.append(folder)
        entries.append(sum(1 for _ in folder.iterdir()))
        (folder / f"kernel{len(entries)}").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("subprocess.run", run)
    found = measure_start("quickstart")
    assert len(set(folders)) == 1
    assert entries == list(range(1 + start.LATER))
    assert not folders[0].exists()
    assert found.keys() == {f"start_{when}_{what}_s" for when in ("first", "later") for what in ("cpu", "wall")}
    assert all(value >= 0.0 for value in found.values())


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(MecsimError, match=r"^mecsim simulate nonsense failed: nonsense: no such file"):
        measure_start("nonsense")
