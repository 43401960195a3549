"""What mecsim reads and is called with: valid inputs of each kind, and what reads one."""

import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mutations import Mutation, assembled, described, mutated, other_word

from mecsim.cli import main
from mecsim.errors import MecsimError
from mecsim.scenario import load_scenario, scenario_to_yaml
from mecsim.studies.study import QUICK_SETTINGS

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
TINY = [text for key, value in QUICK_SETTINGS.items() for text in ("--set", f"{key}={value}")]
RUN_KINDS, FRONT_KINDS = ("config", "agent", "replay", "state"), ("summary", "front", "options")

CALLS = (
    "simulate quickstart --episodes 1", "simulate quickstart --policy greedy --preference 0.5,0.5 --episodes 2",
    "simulate quickstart --policy edge --episodes 1 --out played --seed 3",
    "simulate quickstart --engine simpy --episodes 1",
    "simulate personalized-quick --episodes 1 --context episode.requests=5", "validate gmorl quickstart", "show gmorl",
    "sweep greedy cloud --scenario quickstart --preferences 2 --episodes 2 --workers 1 --out swept",
    "sweep greedy --scenario quickstart --preferences 2 --episodes 4 --workers 1 --out front --force",
    "choose front --max delay=900", "choose front --min energy=1 --minimize delay", "choose front --list --json",
    "choose front --target run --max delay=900 --deploy chosen", "compare front front",
    "compare run greedy --episodes 2",
    "report front --episodes 0 --out r.html --force", "plot front --out p.svg --limits delay=1:2 --force",
    "train quickstart --steps 400 --num-threads 1 --out new TINY", "train --resume --out run",
    "train quickstart --steps 400 --seeds 2 --num-threads 1 --out several TINY",
    "simulate quickstart --policy run --episodes 1", "export front --out policy.onnx --force",
    "dataset personalized-quick --users 3 --days 1 --out more.csv --people who.csv --force", "policies --kind cells",
    "settings --agent discrete-sac", "init mine", "init other --kind cells", "plugins --json", "completion bash",
    "fit log.csv --out people.safetensors --force", "bound quickstart --preferences 2 --episodes 1 --out bound",
    "docs quickstart", "scenarios --json", "schema --kind offload",
)  # fmt: skip

LEFT_OUT = ("tensorboard", "bench", "warmup", "--ray", "--help")
"""Words of commands that wait for somebody, or measure."""


class Seeds(NamedTuple):
    """Valid inputs of one kind, what reads one, and how they are mutated."""

    inputs: list[bytes]
    read: Callable[[bytes], object]
    mutate: Mutation = mutated


def kinds(work: Path) -> dict[str, Seeds]:
    """All kinds of input, with what they need in a folder."""
    from mecsim.people.known import read_people
    from mecsim.predictor.file import read_predictor
    from mecsim.predictor.read import read_log
    from mecsim.systems.offload.data import read_mobility, read_sites, read_tasks

    with contextlib.chdir(work):  # what is written names no place of this machine
        call(["train", "quickstart", "--steps", "2400", "--num-threads", "1", "--out", "run", *TINY])
        call(["sweep", "run", "greedy", "--preferences", "3", "--episodes", "4", "--workers", "1", "--out", "front"])
        call(["dataset", "personalized-quick", "--users", "8", "--days", "7", "--out", "log.csv"])
        call(["fit", "log.csv", "--out", "people.safetensors"])
    for folder in ("run", "front"):
        shutil.rmtree(work / folder / "tensorboard")

    def scenario(content: bytes) -> None:
        (work / "input.yaml").write_bytes(content)
        load_scenario(work / "input.yaml", complete=True)

    def csv(reader: Callable[[Path], object]) -> Callable[[bytes], object]:
        def read(content: bytes) -> object:
            (work / "input.csv").write_bytes(content)
            return reader(work / "input.csv")

        return read

    predictor = (work / "people.safetensors").read_bytes()

    def arrays(content: bytes) -> None:
        (work / "input.safetensors").write_bytes(assembled(content, predictor))
        read_predictor(work / "input.safetensors")

    def head(name: str) -> bytes:
        return b"".join((work / name).read_bytes().splitlines(keepends=True)[:20])

    files = sorted(SCENARIOS.glob("*.yaml"))
    written = [path.read_bytes() for path in files]
    return {
        "scenario": Seeds(written + [scenario_to_yaml(load_scenario(path)).encode() for path in files], scenario),
        "predictor": Seeds(described(predictor), arrays),
        "trees": _trees(work),
        "log": Seeds([head("log.csv")], csv(read_log)),
        "people": Seeds([head("people.csv")], csv(lambda path: read_people(str(path)))),
        "sites": Seeds([b"name,x_m,y_m\nnorth,1,2\nsouth,3,4\n"], csv(lambda path: read_sites(str(path)))),
        "tasks": Seeds(
            [b"time_s,user,size_bit,deadline_s,priority\n0.5,1,1e6,3,0\n2,0,2e6,,1\n"],
            csv(lambda path: read_tasks(str(path))),
        ),
        "walks": Seeds(
            [b"user,time_s,latitude,longitude\n0,0,52.5,13.4\n0,9,52.6,13.5\n1,3,52.5,13.3\n"],
            csv(lambda path: read_mobility(str(path))),
        ),
        **_fronts(work),
        **_checkpoints(work),
        "command": Seeds([_words(line) for line in CALLS], lambda content: _command(content, work), other_word),
    }


def _trees(work: Path) -> Seeds:
    """A predictor whose trees are others: the text of a few of them."""
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    from mecsim.predictor.file import MODEL, read_predictor

    path = work / "people.safetensors"
    arrays = load_file(path)
    with safe_open(path, framework="numpy") as file:
        header = file.metadata()
    head, *blocks = arrays[MODEL].tobytes().decode().split("\nTree=")
    end = blocks[-1].partition("\nend of trees")[2]
    seed = "\nTree=".join((head, *(block for block in blocks[:2]))) + "\nend of trees" + end[:1]

    def read(content: bytes) -> None:
        save_file(arrays | {MODEL: np.frombuffer(content, np.uint8)}, work / "trees.safetensors", header)
        read_predictor(work / "trees.safetensors")

    return Seeds([seed.encode()], read)


def _fronts(work: Path) -> dict[str, Seeds]:
    """Files of a sweep as earlier versions wrote it, without the digests by which any change is found."""
    from mecsim.core.json_files import SEAL
    from mecsim.sweep.results import read_sweep

    folder = work / "front"
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    plain = {key: value for key, value in summary.items() if key not in ("files", SEAL)}
    (folder / "summary.json").write_text(json.dumps(plain, indent=1), encoding="utf-8")

    def reader(name: str) -> Callable[[bytes], object]:
        def read(content: bytes) -> None:
            copy = _copied(folder, work)
            (copy / name).write_bytes(content)
            read_sweep(copy)

        return read

    names = ("summary.json", "front.csv", "options.csv")
    return {
        kind: Seeds([(folder / name).read_bytes()], reader(name)) for kind, name in zip(FRONT_KINDS, names, strict=True)
    }


def _checkpoints(work: Path) -> dict[str, Seeds]:
    """Files of a run as earlier versions wrote it, likewise."""
    from mecsim.training import Run
    from mecsim.training.loop import prepared

    run = work / "old"
    shutil.copytree(work / "run", run)
    (run / "manifest.json").unlink()
    newest = max((run / "checkpoints").iterdir())
    state = json.loads((newest / "state.json").read_text(encoding="utf-8"))
    plain = {key: state[key] for key in ("epoch", "env_steps", "updates")}
    (newest / "state.json").write_text(json.dumps(plain, indent=1), encoding="utf-8")
    for other in (run / "checkpoints").iterdir():
        if other != newest:
            shutil.rmtree(other)

    def seeds(name: str) -> Seeds:
        whole = (run / name).read_bytes()
        arrays = name.endswith(".safetensors")

        def read(content: bytes) -> None:
            copy = _copied(run, work)
            (copy / name).write_bytes(assembled(content, whole) if arrays else content)
            opened = Run.open(copy)
            prepared(opened, done_epochs=opened.latest_epoch())

        return Seeds(described(whole) if arrays else [whole], read)

    here = newest.relative_to(run)
    names = {"config": "config.yaml", "state": f"{here}/state.json"}
    names |= {name: f"{here}/{name}.safetensors" for name in ("agent", "replay")}
    return {kind: seeds(names[kind]) for kind in RUN_KINDS}


def _copied(folder: Path, work: Path) -> Path:
    shutil.rmtree(work / "copy", ignore_errors=True)
    return Path(shutil.copytree(folder, work / "copy"))


def _words(line: str) -> bytes:
    """A call, a word a line."""
    words = [part for word in line.split() for part in (TINY if word == "TINY" else [word])]
    return "".join(f"{word}\n" for word in words).encode()


def _command(content: bytes, work: Path) -> None:
    """Give a command, in a folder of its own with a run, a sweep, a log and a predictor."""
    given = [
        word for word in content.decode("utf-8", "replace").replace("\x00", "").splitlines() if word not in LEFT_OUT
    ]
    with tempfile.TemporaryDirectory(dir=work) as folder, contextlib.chdir(folder):
        for name in ("run", "front", "log.csv", "people.safetensors"):
            if name in given:
                copy = shutil.copytree if (work / name).is_dir() else shutil.copyfile
                copy(work / name, name)
        call(given)


def call(words: list[str]) -> None:
    """Give a command; what it says of a fault of its own is a fault."""
    err = io.StringIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    said = err.getvalue()
    if code not in (0, 1, 2) or "internal error" in said or "Traceback" in said:
        raise AssertionError(f"exit code {code}: {said.strip()[-300:]}")
    if code:
        raise MecsimError(said.strip().replace("\n", " "))
