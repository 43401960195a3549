"""A folder with what plays one preference of a run without mecsim: the policy, a program that asks it, an example."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mecsim.core.files import is_run, write_text
from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import draw_episodes, layout_of, new_episodes
from mecsim.errors import InputError
from mecsim.training.export import check_export_packages
from mecsim.training.exported import ExportedPolicy, write_exported
from mecsim.training.multi import MultiRun, is_multi_run
from mecsim.training.policy import AgentPolicy
from mecsim.training.run import Run

POLICY, PROGRAM, EXAMPLE, ABOUT = "policy.onnx", "act.py", "example.json", "deployed.json"
DEPLOYED_FILES = (POLICY, PROGRAM, EXAMPLE, ABOUT)

PROGRAM_TEXT = '''"""Which option the policy takes; needs numpy and onnxruntime. Names are in deployed.json."""

import json
from pathlib import Path

import numpy as np
import onnxruntime

HERE = Path(__file__).parent
SESSION = onnxruntime.InferenceSession(HERE / "policy.onnx")


def act(options, mask, context):
    """Options (A, features), mask (A,) with 1 where an option can be taken, context (features,): the number of one."""
    inputs = {"options": np.float32([options]), "mask": np.int8([mask]), "context": np.float32([context])}
    return int(SESSION.run(["action"], inputs)[0][0])


if __name__ == "__main__":
    example = json.loads((HERE / "example.json").read_text(encoding="utf-8"))
    print("option", act(example["options"], example["mask"], example["context"]), "- expected", example["action"])
'''


def run_to_deploy(target: str, preference: np.ndarray[Any, np.dtype[np.float64]], scenario: Scenario) -> Run:
    """The run that plays a target at a preference.

    Raises:
        InputError: there is no such run here, such as of a baseline, or it is one of several seeds.
    """
    folder = Path(target)
    if is_multi_run(folder):
        multi = MultiRun.open(folder)
        if multi.repeated:
            raise multi.to_be_named("deploy")
        return min(multi.runs, key=lambda run: np.linalg.norm(np.array(run.config.preference) - preference))
    if not is_run(folder):
        raise InputError(
            f"{target}: is no run in this folder; only runs are deployed, from where the sweep was made (--target RUN)"
        )
    return Run.open(folder)


def deploy(
    run: Run,
    preference: np.ndarray[Any, np.dtype[np.float64]],
    scenario: Scenario,
    folder: Path,
    told: Mapping[str, Any],
) -> tuple[float, ...]:
    """Write the folder's files; returns the preference that the policy plays, in the scale of its own scenario.

    Args:
        run: whose policy it is.
        preference: (objectives,), in the scale of `scenario`.
        scenario: for which it was chosen.
        folder: that is there.
        told: is added to what `deployed.json` says.

    Raises:
        MecsimError: the file does not play as the run.
    """
    check_export_packages()
    agent = run.load_agent()
    policy = AgentPolicy(agent, run.scenario, scenario, run.config.preference)
    played = run.config.preference or tuple(policy.converted(preference[None])[0].tolist())
    write_exported(run, agent, folder / POLICY, played)
    exported = ExportedPolicy(folder / POLICY)
    observation = new_episodes(scenario, "batched").begin(draw_episodes(scenario, 0, 0, 1, Stream.VALIDATION))
    action, _ = exported.run(observation, preference[None])
    example = {name: observation[name][0].tolist() for name in ("options", "mask", "context")}
    write_text(folder / EXAMPLE, json.dumps({**example, "action": int(action[0])}) + "\n")
    write_text(folder / PROGRAM, PROGRAM_TEXT)
    about = {**exported.metadata, **told, "option_names": list(layout_of(scenario).option_names)}
    write_text(folder / ABOUT, json.dumps(about, indent=2) + "\n")
    return played
