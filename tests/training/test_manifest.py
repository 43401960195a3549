"""What binds a run together: only what was written is taken, and the checkpoint before steps in."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from mecsim.errors import RunError
from mecsim.training import Run, run_policy
from mecsim.training.checkpoints import AGENT, METRICS, REPLAY, STATE
from mecsim.training.loop import prepared
from tests.training.same_run import assert_same_run
from tests.training.small import new_run, small_scenario, trained

SCENARIO = small_scenario()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained to its end, with checkpoints after epochs 2 and 4; not to be changed."""
    run = new_run(tmp_path_factory.mktemp("finished") / "run", epochs=4)
    trained(run)
    return run


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same of another seed."""
    run = new_run(tmp_path_factory.mktemp("other") / "run", epochs=4, seed=1)
    trained(run)
    return run


@pytest.fixture
def run(finished: Run, tmp_path: Path) -> Run:
    shutil.copytree(finished.folder, tmp_path / "run")
    return Run.open(tmp_path / "run")


def flip(path: Path, bit: int = -99) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def edit(path: Path, change: Callable[[Any], object]) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def refused(use: Callable[[], object], *parts: str) -> None:
    with pytest.raises(RunError) as caught:
        use()
    told = str(caught.value)
    assert len(told.splitlines()) == 1
    assert all(part in told for part in parts), told


def test_the_last_two_checkpoints_are_kept_and_strays_are_left_alone(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=6)
    places = run.folder / "checkpoints"
    places.mkdir()
    (places / ".DS_Store").write_bytes(b"\0")
    (places / "notes").mkdir()
    trained(run)
    assert {path.name for path in places.iterdir()} == {"000004", "000006", ".DS_Store", "notes"}
    assert run.latest_epoch() == 6


@pytest.mark.parametrize(
    ("name", "change", "parts"),
    [
        ("config.yaml", lambda config: config.update(seed=5), ["config.yaml: seed is 5, was 0"]),
        ("config.yaml", lambda config: config.update(steps=96), ["steps is 96, was 128"]),
        ("config.yaml", lambda config: config["training"].update(num_envs=8), ["training.num_envs is 8, was 4"]),
        ("config.yaml", lambda config: config["training"].update(copies=1), ["training.copies is 1, was 2"]),
        ("config.yaml", lambda config: config["training"].update(preference=[0.5, 0.5]), ["training.preference is"]),
        ("config.yaml", lambda config: config["training"]["agent"].update(learning_rate=1.0), ["learning_rate"]),
        ("scenario.yaml", lambda scenario: scenario.update(objectives=["delay"]), ["scenario.yaml: objectives is"]),
        ("scenario.yaml", lambda scenario: scenario.pop("users"), ["scenario.yaml: users is missing"]),
    ],
)
def test_edits_are_refused_wherever_the_run_is_used(
    run: Run, name: str, change: Callable[[Any], object], parts: list[str]
) -> None:
    edit(run.folder / name, change)
    for use in (Run.open, lambda folder: run_policy(folder, SCENARIO)):
        refused(lambda use=use: use(run.folder), "edited", "put it back", *parts)  # type: ignore[misc]


def test_half_a_scenario_is_none(run: Run) -> None:
    path = run.folder / "scenario.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[: lines.index("users:\n")]), encoding="utf-8")
    refused(lambda: Run.open(run.folder), "users is missing")


def test_what_changes_no_value_is_no_edit(run: Run) -> None:
    for name in ("scenario.yaml", "config.yaml"):
        path = run.folder / name
        path.write_bytes(b"# by hand\r\n" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert Run.open(run.folder) == run


def test_a_longer_run_is_no_edited_one(run: Run) -> None:
    assert Run.open(run.with_steps(192).folder).steps == 192
    config = run.folder / "config.yaml"
    edit(config, lambda content: content.update(steps=128))  # as an interruption would leave it between two writes
    assert Run.open(run.folder).steps == 128


@pytest.mark.parametrize("name", [AGENT, REPLAY, METRICS, STATE])
@pytest.mark.parametrize("damage", ["bit", "absent", "other"])
def test_a_damaged_checkpoint_is_told_and_the_one_before_it_goes_on_to_the_same(
    run: Run, finished: Run, other: Run, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    path = run.folder / "checkpoints" / "000004" / name
    if damage == "bit":
        flip(path)
    elif damage == "absent":
        path.unlink()
    else:
        shutil.copy(other.folder / "checkpoints" / "000004" / name, path)
    trained(run, resume=True)
    told = [line for line in caplog.messages if "the checkpoint of epoch 2 is used instead" in line]
    assert len(told) == (0 if (name, damage) == (STATE, "absent") else 1)  # without it there is none
    assert_same_run(run, finished)


def test_two_damaged_checkpoints_are_one_line_with_the_cure(run: Run) -> None:
    for path in run.folder.glob(f"checkpoints/*/{AGENT}"):
        flip(path)
    for use in (run.load_agent, lambda: trained(run, resume=True), lambda: run_policy(run.folder, SCENARIO)):
        refused(use, "000004", AGENT, "damaged", "--force")


def test_a_policy_is_played_whatever_became_of_the_replay(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    (run.folder / "checkpoints" / "000004" / REPLAY).unlink()
    assert run.latest_epoch() == 4
    assert caplog.messages == []


def test_all_of_another_run_is_refused(run: Run, other: Run) -> None:
    shutil.rmtree(run.folder / "checkpoints")
    shutil.copytree(other.folder / "checkpoints", run.folder / "checkpoints")
    refused(run.load_agent, "is of another run")


def test_a_run_that_lost_its_manifest_says_so(run: Run) -> None:
    (run.folder / "manifest.json").unlink()
    refused(run.load_agent, "of another run")
    (run.folder / "manifest.json").write_text("{}", encoding="utf-8")
    refused(lambda: Run.open(run.folder), "manifest.json: damaged")


def test_metrics_are_those_of_the_checkpoint_or_refused_and_mended(run: Run, finished: Run) -> None:
    path = run.folder / METRICS
    lines = path.read_bytes().splitlines(keepends=True)
    for wrong in ([*lines[:2], *lines[3:]], [*lines[:2], *lines[1:]], lines[:2]):
        path.write_bytes(b"".join(wrong))
        refused(lambda: run.read_metrics(9), METRICS, "damaged")
        trained(run, resume=True)
        assert path.read_bytes() == (finished.folder / METRICS).read_bytes()


def unsealed(run: Run) -> Path:
    """The newest checkpoint as earlier versions wrote it, with no digest that would tell; the other one is gone."""
    shutil.rmtree(run.folder / "checkpoints" / "000002")
    (run.folder / "manifest.json").unlink()
    path = run.folder / "checkpoints" / "000004" / STATE
    kept = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({name: kept[name] for name in ("epoch", "env_steps", "updates")}), encoding="utf-8")
    return path.parent


def test_a_run_of_an_earlier_version_is_as_good(run: Run, finished: Run, caplog: pytest.LogCaptureFixture) -> None:
    unsealed(run)
    reopened = Run.open(run.folder)
    assert len(reopened.read_metrics(9)) == 4
    trained(reopened, resume=True)
    trained(reopened.with_steps(192), resume=True)
    assert caplog.messages == []


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 10**9, "env_steps": 32 * 10**9}, {"epoch": 3}, {"env_steps": 64}, {"epoch": -4}, {"updates": 0.5},
        {"epoch": True}, {"epoch": "4"}, {"env_steps": None},
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_damage(run: Run, change: dict[str, Any]) -> None:
    path = unsealed(run) / STATE
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    refused(run.latest_epoch, "damaged")


@pytest.mark.parametrize("content", ["9" * 9000, "[" * 100_000, '{"epoch": ' + "9" * 9000 + "}"])
def test_a_state_that_no_reader_can_take_is_damage(run: Run, content: str) -> None:
    (unsealed(run) / STATE).write_text(content, encoding="utf-8")
    refused(run.latest_epoch, "damaged")


def changed_tensors(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata)


def set_to(name: str, value: float) -> Callable[[dict[str, torch.Tensor]], object]:
    return lambda tensors: next(tensors[key] for key in tensors if key.startswith(name)).fill_(value)


@pytest.mark.parametrize(
    "change",
    [
        set_to("model.", np.nan), set_to("model.", np.inf), set_to("optimiser.", np.nan), set_to("updates", -1),
        lambda tensors: tensors.update({name: tensor[None] for name, tensor in tensors.items() if "exp_avg" in name}),
    ],
)  # fmt: skip
def test_weights_that_no_training_leaves_are_damage(run: Run, change: Any) -> None:
    folder = unsealed(run)
    changed_tensors(folder / AGENT, change)
    refused(run.load_agent, AGENT, "damaged")


@pytest.mark.parametrize(
    "change",
    [
        set_to("mask", 0), set_to("action", 99), set_to("action", -1), set_to("reward", np.nan),
        set_to("context", np.inf), set_to("cursor", -1), set_to("cursor", 10**9),
        lambda tensors: tensors.update(reward=tensors["reward"][:1]),
        lambda tensors: tensors.update(reward=tensors["reward"].double()),
        lambda tensors: tensors.pop("mask"),
    ],
)  # fmt: skip
def test_transitions_that_nobody_made_are_damage(run: Run, change: Any) -> None:
    changed_tensors(unsealed(run) / REPLAY, change)
    refused(lambda: prepared(run, "cpu", 4), REPLAY, "damaged")


@pytest.mark.parametrize(
    "header", ["[" * 100_000, '{"format": 3, "agent": "sac"}', "[]", '{"format": ' + "9" * 9000 + "}"]
)
def test_a_header_that_is_none_is_damage(run: Run, header: str) -> None:
    path = unsealed(run) / AGENT
    save_file(load_file(path), path, {"mecsim_agents": header})
    refused(run.load_agent, AGENT, "damaged")


@pytest.mark.parametrize("count", ["option_features", "num_objectives", "context_features", "num_options"])
def test_counts_that_would_fill_the_memory_are_damage(run: Run, count: str) -> None:
    from safetensors import safe_open

    path = unsealed(run) / AGENT
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["mecsim_agents"])
    save_file(load_file(path), path, {"mecsim_agents": json.dumps(header | {count: 10**12})})
    refused(run.load_agent, AGENT, count)


def test_a_full_disk_leaves_the_checkpoint_before(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(path.name for path in (run.folder / "checkpoints").iterdir())
    whole = prepared(run, "cpu", 4)
    for failing in range(1, 9, 2):  # every file; where a folder cannot be brought to the disk that is no failure
        room = iter(range(1, failing))

        def full(place: object, room: Iterator[int] = room) -> None:
            if next(room, None) is None:
                raise OSError(28, "No space left on device")

        monkeypatch.setattr("mecsim.core.files.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            run.save_checkpoint(5, whole.agent, whole.replay, {"env_steps": 160, "updates": 1})
        assert sorted(path.name for path in (run.folder / "checkpoints").iterdir()) == before
    assert not list(run.folder.rglob("*.partial"))
