"""Wrong input: exit code 2, a line that names the cause, no traceback, nothing touched."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.training.small import scenario_file, small_scenario

from .conftest import SET, snapshot

HEAD = "mecsim: 1\nkind: offload\n"
DEEP = "[" * 100_000
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

FILES: dict[str, tuple[Any, ...]] = {
    "wrong unit": (HEAD + "episode: {step: 3 kg}\n", ":3: episode.step: ", "kg"),
    "no unit": (HEAD + "channel: {bandwidth: 16.6}\n", ":3: channel.bandwidth: "),
    "unknown key": (HEAD + "user: {count: 3}\n", ":3: user: unknown key, did you mean 'users'?"),
    "negative count": (HEAD + "users: {count: -3}\n", ":3: users.count: "),
    "no edge": (HEAD + "servers: {edge: {count: 0}}\n", ":3: servers.edge.count: expected at least 1, got 0"),
    "too many edges": (HEAD + "servers: {edge: {count: 10000000}}\n", ":3: servers.edge.count: expected at most"),
    "too many steps": (HEAD + "episode: {steps: 1000000000000}\n", ":3: episode.steps: "),
    "an infinite number": (HEAD + "users: {arrival_rate: .inf}\n", ":3: users.arrival_rate: "),
    "empty": ("", ": is empty"),
    "a comment": ("# nothing\n", ": is empty"),
    "a list": ("- 1\n- 2\n", "expected keys such as"),
    "a word": ("hello", "expected keys such as"),
    "junk": (bytes(range(256)) * 9, "UTF-8"),
    "zeros": (b"\0" * 1000, "control character"),
    "not yaml": (HEAD + "users: {count: 3\n", "not valid YAML"),
    "deep": (DEEP, "nested more than 32 levels"),
    "bomb": (HEAD + BOMB, "aliases"),
    "a loop": (HEAD + "users: &u {count: *u}\n", "an alias contains itself"),
    "a tag": (HEAD + "description: !!python/object/apply:os.getcwd []\n", "tag"),
    "twice": (HEAD + "users: {count: 3}\nusers: {count: 4}\n", "given twice"),
    "large": (HEAD + "# " + "x" * 2**20, "larger than 1 MiB"),
    "another version": ("mecsim: 2\nkind: offload\n", ":1: mecsim: expected 1"),
    "another kind": ("mecsim: 1\nkind: onload\n", ":2: kind: expected 'offload'"),
}


@pytest.mark.parametrize("name", list(FILES))
def test_a_scenario_that_cannot_be_used_is_refused_by_every_command(
    refused: Command, tmp_path: Path, name: str
) -> None:
    content, *parts = FILES[name]
    path = tmp_path / "scenario.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = refused("validate", path)
    for part in parts:
        assert part in said.err
    assert said.err.startswith(str(path))
    assert len(said.err) < 400
    others = [
        ("simulate", path, "--out", "new"),
        ("train", path, "--out", "new"),
        ("sweep", "greedy", "--scenario", path, "--out", "new"),
        ("bench", "--scenario", path),
    ]
    for arguments in others:
        assert refused(*arguments).err == said.err


def test_every_problem_of_a_file_has_a_line(refused: Command, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(HEAD + "users: {count: 0}\nepisode: {steps: x}\nserver: 3\n")
    said = refused("simulate", "x.yaml", lines=3)
    assert [line.split(": ")[1] for line in said.err.splitlines()] == ["users.count", "episode.steps", "server"]


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ("gmrl", "did you mean 'gmorl'?"),
        ("quick-start.yaml", "did you mean 'quickstart'?"),
        ("something", "expected one of gmorl"),
        (".", "is a folder"),
        ("a\0b", "null byte"),
        ("x" * 5000, "name too long"),
    ],
)
def test_a_scenario_that_is_not_there(refused: Command, given: str, part: str) -> None:
    assert part.lower() in refused("simulate", given).err.lower()


def test_a_folder_or_device_in_the_place_of_a_file(refused: Command, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "is a folder" in refused("validate", "folder").err
    assert "not a regular file" in refused("validate", os.devnull).err


def test_a_file_that_cannot_be_read(mecsim: Command, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.open

    def guarded(path: Path, *arguments: Any, **options: Any) -> Any:  # changed rights would not stop an administrator
        if path == small:
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", guarded)
    said = mecsim("validate", small)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"{small}: cannot be read: Permission denied, expected a readable scenario file\n"


@pytest.mark.parametrize(
    ("preference", "part"),
    [
        ("half,half", "expected numbers such as 0.3,0.7"),
        ("0.5,0.5,", "expected numbers"),
        ("", "expected numbers"),
        ("0.3;0.7", "expected numbers"),
        ("1", "needs 2 weights, got 1"),
        ("0.2,0.3,0.5", "needs 2 weights, got 3"),
        ("-0.5,1.5", "at least 0 that sum to 1"),
        ("0.4,0.4", "sum to 1"),
        ("2,-1", "at least 0"),
        ("nan,nan", "sum to 1"),
        ("inf,0", "sum to 1"),
        ("1e999,0", "sum to 1"),
    ],
)
def test_a_preference_that_is_none(refused: Command, small: Path, preference: str, part: str) -> None:
    said = refused("simulate", small, "--preference", preference, "--out", "new")
    assert said.err.startswith(f"mecsim: --preference {preference}: ")
    assert part in said.err


@pytest.mark.parametrize(
    ("context", "part"),
    [
        ("edges", "--context edges: expected key=value"),
        ("=4", "expected key=value"),
        ("edges=0", "servers.edge.count: expected at least 1"),
        ("edges=many", "servers.edge.count: expected a whole number"),
        ("edges=", "servers.edge.count"),
        ("edge=4", "unknown key, did you mean 'edges'?"),
        ("servers.edge.cpu=2 GB", "servers.edge.cpu"),
        ("servers.edge.cpu=[1 GHz", "servers.edge.cpu: not valid YAML"),
        ("users=3", "users"),
        ("users.count=10000000000", "users.count"),
        ("episode.steps=1e99", "episode.steps"),
    ],
)
def test_a_context_that_is_none(refused: Command, small: Path, context: str, part: str) -> None:
    for command in (("simulate", small), ("sweep", "greedy", "--scenario", small)):
        said = refused(*command, "--context", context, "--out", "new")
        assert part in said.err
        assert "--context" in said.err


def test_a_context_given_twice(refused: Command, small: Path) -> None:
    said = refused("simulate", small, "--context", "edges=1", "--context", "edges=2")
    assert "--context edges: given twice" in said.err


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        ("num_envs", "expected key=value"),
        ("num_envs=0", "num_envs: expected a whole number from 1 to 65,536, got 0"),
        ("num_envs=x", "num_envs: expected a whole number"),
        ("num_envs=1000000000000", "num_envs: expected a whole number from 1 to 65,536, got 1000000000000"),
        ("nun_envs=3", "did you mean num_envs?"),
        ("copies=0", "copies: expected a whole number of at least 1, got 0"),
        ("copies=3", "num_envs: expected a multiple of copies=3, got 4; set either"),
        ("batch_size=15", "batch_size: expected a multiple of copies=2, got 15; set either"),
        ("replay_capacity=81", "replay_capacity: expected a multiple of copies=2, got 81; set either"),
        ("policy=greedy", "policy: expected 'softmax' or 'network'"),
        ("learning_rate=fast", "learning_rate: expected a number"),
        ("learning_rate=[1", "is not a number, word or list"),
        ("encoder_sizes=8", "encoder_sizes: expected one or more"),
        ("critic=x", "critic: expected 'vector' or 'scalar'"),
        ("evaluation_preferences=1", "at least 2 preferences"),
    ],
)
def test_a_setting_that_is_none_leaves_even_an_old_run_alone(
    refused: Command, small: Path, run_folder: Path, setting: str, part: str
) -> None:
    key = setting.partition("=")[0]
    settings = [text for value in SET[1::2] if not value.startswith(f"{key}=") for text in ("--set", value)]
    assert part in refused("train", small, "--out", "new", *settings, "--set", setting).err
    refused("train", small, "--out", run_folder, "--force", *settings, "--set", setting)


@pytest.mark.parametrize("device", ["nonsense", "", "cuda:99", "meta", "mps", "cpu cuda", "tpu:0"])
def test_a_device_that_is_not_there(refused: Command, small: Path, device: str) -> None:
    said = refused("train", small, "--out", "new", "--device", device)
    assert said.err.startswith(f"mecsim: --device {device}: ")
    assert "use auto" in said.err
    assert len(said.err) < 300


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("simulat", "gmorl"),
        ("--frob",),
        ("simulate",),
        ("simulate", "gmorl", "extra"),
        ("simulate", "gmorl", "--frob"),
        ("simulate", "gmorl", "--engine", "fast"),
        ("simulate", "gmorl", "--episodes"),
        ("simulate", "gmorl", "--episodes", "0"),
        ("simulate", "gmorl", "--episodes", "-5"),
        ("simulate", "gmorl", "--episodes", "1.5"),
        ("simulate", "gmorl", "--episodes", str(10**12)),
        ("simulate", "gmorl", "--episodes", "9" * 5000),
        ("simulate", "gmorl", "--seed", "-1"),
        ("simulate", "gmorl", "--seed", str(2**63)),
        ("simulate", "gmorl", "--num-threads", "0"),
        ("simulate", "gmorl", "--num-threads", "many"),
        ("simulate", "gmorl", "--num-threads", str(10**12)),
        ("train",),
        ("train", "gmorl"),
        ("train", "--out", "new"),
        ("train", "gmorl", "--out", "new", "--steps", "0"),
        ("train", "gmorl", "--out", "new", "--steps", "x"),
        ("sweep", "--out", "new"),
        ("sweep", "greedy"),
        ("sweep", "greedy", "--out", "new"),
        ("sweep", "greedy", "--scenario", "gmorl", "--out", "new", "--preferences", "0"),
        ("sweep", "greedy", "--scenario", "gmorl", "--out", "new", "--preferences", "1"),
        ("sweep", "greedy", "--scenario", "gmorl", "--out", "new", "--preferences", str(10**12)),
        ("sweep", "greedy", "--scenario", "gmorl", "--out", "new", "--episodes", str(10**12)),
        ("sweep", "greedy", "--scenario", "gmorl", "--out", "new", "--workers", "0"),
        ("sweep", "greedy", "greedy", "--scenario", "gmorl", "--out", "new"),
        ("sweep", "gredy", "--out", "new"),
        ("sweep", "greedy", "gredy", "--scenario", "gmorl", "--out", "new"),
        ("bench", "--envs", "0"),
        ("bench", "--envs", str(10**12)),
        ("init",),
        ("init", "x", "--kind", "nothing"),
        ("validate",),
        ("schema", "x"),
    ],
    ids=lambda arguments: " ".join(arguments)[:60],
)
def test_a_command_that_cannot_be(refused: Command, arguments: tuple[str, ...]) -> None:
    assert refused(*arguments).err.startswith("mecsim")


def test_a_misspelt_option_is_answered_with_the_right_one(refused: Command) -> None:
    assert "--episodes" in refused("simulate", "gmorl", "--episode", "3").err


@pytest.mark.parametrize("policy", ["gredy", "", "absent/run", ".", "a\0b", "x" * 5000])
def test_a_policy_that_is_none(refused: Command, small: Path, policy: str) -> None:
    said = refused("simulate", small, "--policy", policy, "--out", "new")
    assert "nor a policy; these are annealing, cloud, dqn, edge" in said.err


def test_a_run_that_cannot_be_used(refused: Command, small: Path, run_folder: Path) -> None:
    uses = [
        ("simulate", small, "--policy", run_folder, "--out", "new"),
        ("sweep", run_folder, "--out", "new"),
        ("train", "--resume", "--out", run_folder),
    ]
    config = run_folder / "config.yaml"
    content = config.read_text()
    for changed in ("mecsim_run: 7\n", content.replace("num_envs: 4", "num_envs: x"), "[1", ""):
        config.write_text(changed)
        for arguments in uses:
            assert "config.yaml" in refused(*arguments).err
    config.write_text(content)
    (run_folder / "scenario.yaml").unlink()
    for arguments in uses:
        assert "scenario.yaml" in refused(*arguments).err


@pytest.mark.parametrize("name", ["state.json", "agent.safetensors", "replay.safetensors", "metrics.csv"])
def test_a_damaged_run_is_not_resumed(mecsim: Command, run_folder: Path, name: str) -> None:
    for path in run_folder.rglob(name):  # with one of them whole it would go on from there
        path.write_bytes(b"\xff junk")
    before = snapshot(run_folder)
    said = mecsim("train", "--resume", "--out", run_folder)
    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert "damaged" in said.err
    after = {path: digest for path, digest in snapshot(run_folder).items() if not path.startswith("tensorboard")}
    assert after == before


def test_a_run_without_checkpoint_has_no_policy(refused: Command, small: Path, run_folder: Path) -> None:
    shutil.rmtree(run_folder / "checkpoints")
    assert "no checkpoint yet" in refused("simulate", small, "--policy", run_folder).err


def test_a_run_that_does_not_fit_the_scenario(refused: Command, small: Path, run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "front.csv").write_text("precious")
    (tmp_path / "fewer").mkdir()
    alone = scenario_file(tmp_path / "fewer", small_scenario(objectives=("delay",)))
    for scenario, context, part in (
        (small, ("--context", "observation.histogram.bins=9"), "use the same `observation`"),
        (small, ("--context", "observation.cost_features=false"), "cost_features"),
        (alone, (), "trained for the objectives delay, energy"),
    ):
        swept = ("sweep", run_folder, "--scenario", scenario, *context, "--out", "results", "--force")
        assert part in refused(*swept).err
        assert part in refused("simulate", scenario, "--policy", run_folder, *context, "--out", "new").err


def test_resume_of_nothing(refused: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("absent", "empty"):
        assert "not a run of mecsim train" in refused("train", "--resume", "--out", folder).err


@pytest.mark.parametrize(
    "extra", [("gmorl",), ("--context", "edges=2"), ("--seed", "0"), ("--set", "num_envs=3"), ("--force",)]
)
def test_resume_takes_no_other_settings(refused: Command, run_folder: Path, extra: tuple[str, ...]) -> None:
    assert "--resume goes on with the run as it is" in refused("train", "--resume", "--out", run_folder, *extra).err
