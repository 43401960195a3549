"""How long a first and a later command take: what is run, and that a failure is told."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from mecsim.bench import start
from mecsim.bench.start import measure_start
from mecsim.errors import MecsimError


def test_all_calls_share_a_folder_that_was_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    folders, entries, asked = [], [], []

    def run(command: list[str], env: dict[str, str], **others: Any) -> subprocess.CompletedProcess[str]:
        asked.append(" ".join(command[1:]))
        folder = Path(env["MECSIM_CACHE_DIR"])
        folders.append(folder)
        entries.append(sum(1 for _ in folder.iterdir()))
        (folder / f"kernel{len(entries)}").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("subprocess.run", run)
    found = measure_start("quickstart")
    assert len(set(folders)) == 1
    assert entries[:2] == [0, 1]
    assert not folders[0].exists()
    told = {f"start_{when}_{what}_s" for when in ("first", "later") for what in ("cpu", "wall")}
    assert found.keys() == told | {f"start_{name}_cpu_s" for name in ("import", "help", "wrong_name")}
    simulate = "-m mecsim simulate quickstart --episodes 2"
    assert set(asked) == {simulate, "-c import mecsim", "-m mecsim --help", f"{simulate} --policy {start.MISSPELT}"}
    assert all(value >= 0.0 for value in found.values())


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(MecsimError, match=r"^mecsim simulate nonsense --episodes 2 failed: nonsense: no such file"):
        measure_start("nonsense")
