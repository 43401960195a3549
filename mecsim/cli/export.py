"""mecsim export: write the policy of a run as a file that is used without mecsim."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.options import json_option, new_file
from mecsim.core.files import atomic_write
from mecsim.errors import InputError, MecsimError

if TYPE_CHECKING:
    from mecsim_agents import Learner

    from mecsim.training import Agreement, Run

SUFFIX = ".onnx"


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help=f"The new file.  [default: RUN{SUFFIX}]")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@json_option
def export(run: Path, out: Path | None, force: bool, as_json: bool) -> None:
    """Write the policy of RUN as an ONNX file, and check that it plays as the run does.

    ONNX Runtime and other programs play it without mecsim. Normalisation and masks are part of it.
    """
    from mecsim.training import MultiRun, Run, is_multi_run
    from mecsim.training.export import check_export_packages

    check_export_packages()
    if is_multi_run(run):
        multi = MultiRun.open(run)
        raise InputError(
            f"{run}: holds a policy for each of several {multi.kind.difference}s; "
            f"export one, such as {multi.runs[0].folder}"
        )
    opened = Run.open(run)
    agent = opened.load_agent()
    path = new_file(out or Path(f"{run.resolve()}{SUFFIX}"), (SUFFIX,), force)
    try:
        found, size_byte = _write(opened, agent, path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}; name another file with --out"
        ) from None
    if as_json:
        click.echo(json.dumps({"file": str(path), "size_byte": size_byte, **asdict(found)}, indent=2))
        return
    sizes = " to ".join(str(size) for size in sorted({found.options[0], found.options[-1]}))
    click.echo(
        f"checked on {found.states:,} states of {sizes} options: "
        f"{found.equal_actions:.2%} equal actions, probabilities differ by at most {found.largest_difference:.1e}"
    )
    click.echo(f"wrote {path} ({size_byte / 1024:.0f} KiB)")


def _write(run: "Run", agent: "Learner", path: Path) -> "tuple[Agreement, int]":
    """Write the file, check it and give it its name; return what the check found, and the size in bytes.

    Raises:
        MecsimError: the file plays otherwise than the run.
    """
    from mecsim.training import ExportedPolicy, agreement, export_onnx

    with atomic_write(path) as partial:
        export_onnx(run, agent, partial)
        found = agreement(ExportedPolicy(partial), agent, run.scenario, run.config.preference)
        if not found.close:
            raise MecsimError(
                f"{run.folder}: the exported policy is another one, a probability differs by "
                f"{found.largest_difference:.1e} where rounding explains {found.rounding:.1e}: nothing was written; "
                "report it with the versions of torch and onnx"
            )
    return found, path.stat().st_size
