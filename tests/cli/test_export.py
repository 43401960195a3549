"""mecsim export: the file it leaves, what it says of it, and what it refuses."""

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mecsim.training import ExportedPolicy, Run, agreement
from tests.cli.conftest import Command

from .conftest import SET, snapshot
from .test_commands import in_a_process


def test_the_file_plays_as_the_run(mecsim: Command, run_folder: Path, tmp_path: Path) -> None:
    before = snapshot(run_folder)
    said = mecsim("export", run_folder)
    assert (said.code, said.err) == (0, "")
    assert "100.00% equal actions" in said.out
    assert said.out.splitlines()[-1].startswith(f"wrote {run_folder}.onnx (")
    run = Run.open(run_folder)
    found = agreement(ExportedPolicy(tmp_path / "run.onnx"), run.load_agent(), run.scenario, None, seed=1)
    assert found.close
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run.onnx"]
    assert snapshot(run_folder) == before


def test_it_says_in_json_what_the_check_found(mecsim: Command, run_folder: Path, tmp_path: Path) -> None:
    said = mecsim("export", run_folder, "--out", "new/folder/policy.onnx", "--json")
    assert (said.code, said.err) == (0, "")
    path = tmp_path / "new" / "folder" / "policy.onnx"
    assert said.content["file"] == "new/folder/policy.onnx"
    assert said.content["size_byte"] == path.stat().st_size
    assert said.content["states"] == 64 * 8
    assert said.content["options"] == [3]
    assert 0.0 <= said.content["largest_difference"] < 1e-4
    assert 0.0 <= said.content["rounding"] < 1e-4
    assert said.content["equal_actions"] == 1.0
    assert ExportedPolicy(path).metadata["objectives"] == ["delay", "energy"]


def test_the_folder_of_the_run_may_be_the_present_one(
    mecsim: Command, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run_folder)
    assert mecsim("export", ".").code == 0
    assert (tmp_path / "run.onnx").is_file()


def test_nothing_of_the_exporter_is_shown(run_folder: Path) -> None:
    done = in_a_process("export", run_folder)
    assert (done.returncode, done.stderr) == (0, "next: mecsim docs deploy\n")
    assert len(done.stdout.splitlines()) == 2


def test_a_file_is_replaced_only_by_force(mecsim: Command, refused: Command, run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.onnx").write_text("precious")
    assert "exists already" in refused("export", run_folder, "--out", "policy.onnx").err
    assert mecsim("export", run_folder, "--out", "policy.onnx", "--force").code == 0
    assert ExportedPolicy(tmp_path / "policy.onnx").metadata["description"] == "small"


def test_one_of_several_policies(mecsim: Command, refused: Command, small: Path, tmp_path: Path) -> None:
    assert mecsim("train", small, "--out", "job", "--multi-policy", 2, "--steps", 64, *SET).code == 0
    assert refused("export", "job").err == (
        "mecsim: job: holds a policy for each of several preferences; export one, such as job/policy-00\n"
    )
    assert mecsim("export", "job/policy-01").code == 0
    assert ExportedPolicy(tmp_path / "job" / "policy-01.onnx").metadata["preference"] == [1.0, 0.0]


@pytest.mark.parametrize("found", [{"largest_difference": 2e-4}, {"largest_difference": float("nan")}])
def test_a_file_that_plays_otherwise_is_an_error_and_not_kept(
    mecsim: Command, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]
) -> None:
    monkeypatch.setattr("mecsim.training.exported.agreement", lambda *given: replace(agreement(*given), **found))
    before = snapshot(tmp_path)
    said = mecsim("export", run_folder)
    assert (said.code, said.out) == (1, "")
    assert "the exported policy is another one" in said.err
    assert len(said.err.splitlines()) == 1
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package(refused: Command, run_folder: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert refused("export", run_folder).err == f"mecsim: export needs {package}: pip install 'mecsim[export]'\n"


@pytest.mark.parametrize("run", ["absent", ".", "gmorl", "", "x" * 5000])
def test_what_is_no_run(refused: Command, run: str) -> None:
    assert "config.yaml" in refused("export", run).err


@pytest.mark.parametrize(
    "arguments", [(), ("run", "extra"), ("run", "--frob"), ("run", "--out"), ("run", "--format", "torchscript")]
)
def test_a_command_that_cannot_be(
    refused: Command, arguments: tuple[object, ...] | tuple[str, ...] | tuple[str, str]
) -> None:
    assert refused("export", *arguments).err.startswith("mecsim")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("policy", "expected a file that ends in .onnx"),
        ("", "expected a file that ends in .onnx"),
        ("policy.pt", "expected a file that ends in .onnx"),
        ("folder.onnx", "is no file"),
        ("file/below.onnx", "cannot be written"),
        ("x" * 5000 + ".onnx", "cannot be written"),
        ("locked/policy.onnx", "cannot be written: Permission denied"),
    ],
)
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_place_that_cannot_be_written(
    refused: Command,
    run_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    part: str,
    force: tuple[str, ...],
) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "file").write_text("precious")
    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK and str(path).endswith("locked")))
    said = refused("export", run_folder, "--out", name, *force)
    assert said.err.startswith(f"mecsim: --out {name}")
    assert part in said.err


def test_a_full_disk_is_no_internal_error(mecsim: Command, run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mecsim.training.exported.export_onnx", full)
    said = mecsim("export", run_folder)
    assert said.code == 1
    assert "run.onnx: No space left on device" in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("damage", ["checkpoints", "scenario.yaml", "weights"])
def test_a_run_that_cannot_be_used(refused: Command, run_folder: Path, damage: str) -> None:
    if damage == "weights":
        for path in run_folder.rglob("agent.safetensors"):
            path.write_bytes(b"junk")
    elif damage == "checkpoints":
        shutil.rmtree(run_folder / damage)
    else:
        (run_folder / damage).unlink()
    part = {"checkpoints": "no checkpoint yet", "scenario.yaml": "no scenario.yaml", "weights": "damaged"}[damage]
    assert part in refused("export", run_folder, "--out", "new/policy.onnx").err


def test_an_interruption_leaves_nothing(
    mecsim: Command, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any) -> None:
        assert [*tmp_path.glob(".*.partial*")]
        raise KeyboardInterrupt

    monkeypatch.setattr("mecsim.training.exported.agreement", interrupted)
    before = snapshot(tmp_path)
    assert mecsim("export", run_folder).code == 130
    assert snapshot(tmp_path) == before
