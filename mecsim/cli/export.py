"""mecsim export: write the policy of a run as a file that is used without mecsim."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from mecsim.cli.completion import runs
from mecsim.cli.options import json_option, new_file
from mecsim.core.files import is_run
from mecsim.errors import InputError

SUFFIX = ".onnx"


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path), shell_complete=runs)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help=f"The new file.  [default: RUN{SUFFIX}]")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@json_option
def export(run: Path, out: Path | None, force: bool, as_json: bool) -> tuple[str, ...] | None:
    """Write the policy of RUN as an ONNX file, and check that it plays as the run does.

    ONNX Runtime and other programs play it without mecsim. Normalisation and masks are part of it.
    """
    if not is_run(run):  # before PyTorch: a wrong name is told at once
        raise InputError(f"{run}: not a run of mecsim train; make one with mecsim train SCENARIO --out {run}")

    from mecsim.training import MultiRun, Run, is_multi_run
    from mecsim.training.export import check_export_packages
    from mecsim.training.exported import write_exported

    check_export_packages()
    if is_multi_run(run):
        raise MultiRun.open(run).to_be_named("export")
    opened = Run.open(run)
    agent = opened.load_agent()
    path = new_file(out or Path(f"{run.resolve()}{SUFFIX}"), (SUFFIX,), force)
    found, size_byte = write_exported(opened, agent, path)
    if as_json:
        click.echo(json.dumps({"file": str(path), "size_byte": size_byte, **asdict(found)}, indent=2))
        return None
    sizes = " to ".join(str(size) for size in sorted({found.options[0], found.options[-1]}))
    click.echo(
        f"checked on {found.states:,} states of {sizes} options: "
        f"{found.equal_actions:.2%} equal actions, probabilities differ by at most {found.largest_difference:.1e}"
    )
    click.echo(f"wrote {path} ({size_byte / 1024:.0f} KiB)")
    return ("mecsim", "docs", "deploy")
