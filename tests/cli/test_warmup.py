"""mecsim warmup, and what is shown while kernels are compiled."""

from pathlib import Path

import pytest

from mecsim.cli import main
from mecsim.cli.compiling import NOTE, CompilingNote
from mecsim.core.kernel_cache import kernel_folder


def test_the_note_comes_once(capsys: pytest.CaptureFixture[str]) -> None:
    with CompilingNote() as note:
        for kernel in ("outer", "inner"):
            note(kernel, False)
        for kernel in ("inner", "outer"):
            note(kernel, True)
        note("later", False)
        note("later", True)
    shown = capsys.readouterr()
    assert shown.err == f"{NOTE}\n"
    assert not shown.out


def test_warmup_leaves_nothing_to_compile(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with pytest.raises(SystemExit) as caught:
            main(["warmup", "quickstart"])
        assert caught.value.code == 0
        line, folder = capsys.readouterr().out.splitlines()
    assert line.startswith("quickstart: 0 compiled, ")
    assert folder == f"all kernels are in {kernel_folder()}"


def test_a_scenario_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["warmup", str(tmp_path / "none.yaml")])
    assert caught.value.code == 2
    assert "none.yaml" in capsys.readouterr().err
