"""The command line: `mecsim COMMAND`. Each group of commands is a file; heavy imports wait until a command runs."""

import importlib
import os
import shlex
import sys
import traceback
from codecs import register_error
from collections.abc import Sequence
from io import TextIOWrapper
from unicodedata import normalize

import click

from mecsim.cli.compiling import CompilingNote
from mecsim.cli.terminal import progress_told, warnings_told
from mecsim.core.files import told_of
from mecsim.core.stopping import exit_code, terminating
from mecsim.core.watch import watched
from mecsim.errors import FindingsError, InputError, MecsimError
from mecsim.version import __version__

COMMANDS = {
    "scenarios": "mecsim.cli.scenarios:scenarios",
    "show": "mecsim.cli.scenarios:show",
    "init": "mecsim.cli.scenarios:init",
    "validate": "mecsim.cli.scenarios:validate",
    "schema": "mecsim.cli.scenarios:schema",
    "import": "mecsim.cli.imports:import_",
    "dataset": "mecsim.cli.dataset:dataset",
    "fit": "mecsim.cli.fit:fit",
    "simulate": "mecsim.cli.simulate:simulate",
    "train": "mecsim.cli.train:train",
    "sweep": "mecsim.cli.sweep:sweep",
    "choose": "mecsim.cli.choose:choose",
    "compare": "mecsim.cli.compare:compare",
    "tensorboard": "mecsim.cli.tensorboard:tensorboard",
    "bound": "mecsim.cli.bound:bound",
    "report": "mecsim.cli.report:report",
    "plot": "mecsim.cli.plot:plot",
    "export": "mecsim.cli.export:export",
    "bench": "mecsim.cli.bench:bench",
    "policies": "mecsim.cli.listings:policies",
    "settings": "mecsim.cli.listings:settings",
    "plugins": "mecsim.cli.plugins:plugins",
    "completion": "mecsim.cli.completion:completion",
    "warmup": "mecsim.cli.warmup:warmup",
    "docs": "mecsim.cli.docs:docs",
}

GUIDE = """\
mecsim trains one policy for all preferences between objectives such as delay
and energy, and plays it beside others on the same episodes. To begin:

  mecsim train quickstart --out run --minutes 5    learn on a built-in scenario
  mecsim sweep run greedy random --out front       what each preference costs
  mecsim choose front --max delay_per_task=12s     which one meets a target

  mecsim init campus                               a scenario of your own
  mecsim scenarios                                 what else is built in
  mecsim docs                                      the documentation, offline
  mecsim --help                                    all commands
"""

EXIT_FAILURE, EXIT_INPUT = 1, 2

PICTURES = {"MPLBACKEND": "Agg", "MATPLOTLIBRC": os.devnull}
"""What commands draw looks the same whatever the user's settings of Matplotlib, and never needs a screen."""

LEFT_OUT = ("matplotlib", "pymoo", "safetensors", "stable-baselines3", "tensorboard", "torch")
"""What a light installation does without: environments, baselines and simulations work, and these only where used."""


_PLAIN = "mecsim-plain"
_LETTERS = {"±": "+-", "–": "-", "—": "-", "−": "-", "·": "*", "×": "x", "≤": "<=", "≥": ">=", "→": "->"}
"""What stands for letters where there are only those of ASCII; others lose their accents, or become a question mark."""


class _Commands(click.Group):
    """Imports a command's file when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(
    "mecsim",
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="mecsim")
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Multi-objective reinforcement learning for edge offloading.

    Write a scenario in YAML, train one policy for all preferences, sweep the Pareto front.
    """
    if ctx.invoked_subcommand is None:
        click.echo(GUIDE, nl=False)


@cli.result_callback()
def tell_next(following: object, **options: object) -> None:
    """Commands return the words of the command that comes next, if there is one to tell."""
    if isinstance(following, tuple):
        click.echo(f"next: {shlex.join(following)}", err=True)


def main(arguments: Sequence[str] | None = None, program: click.Command = cli) -> None:
    """Run a command and exit: 0 done, 1 failed, 2 bad input, 130 interrupted, 143 by SIGTERM, 129 by SIGHUP. Errors are
    one line on stderr.

    `program` is what the arguments are for: mecsim itself, or the script of an experiment.
    """
    os.environ |= PICTURES
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        _say_anything()
        with terminating(), CompilingNote() as note, watched(note), progress_told(), warnings_told():
            code = program.main(
                [argument for argument in given if argument != "--debug"], program.name, standalone_mode=False
            )
        sys.stdout.flush()  # here, where a full disk is told
    except (click.Abort, KeyboardInterrupt) as interruption:
        _fail("interrupted", exit_code(interruption.__cause__ or interruption))
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else program.name
        _fail(f"{command}: {_one_line(error.format_message())} (see {command} --help)", EXIT_INPUT)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILURE)
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, ModuleNotFoundError) and (package := missing_package(error)) is not None:
            _fail(f"mecsim: this needs {package}, which is not installed: pip install {package}", EXIT_FAILURE)
        if isinstance(error, FindingsError):
            _fail("\n".join(map(_one_line, error.problems)), EXIT_INPUT)
        if isinstance(error, MecsimError):
            _fail(f"mecsim: {_one_line(str(error))}", EXIT_INPUT if isinstance(error, InputError) else EXIT_FAILURE)
        if isinstance(error, OSError):
            _fail(f"mecsim: {_one_line(told_of(error))}", EXIT_FAILURE)
        if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
            _fail("mecsim: not enough memory; choose smaller counts or a smaller scenario", EXIT_FAILURE)
        told = f"{type(error).__name__}: {_one_line(str(error))}"
        _fail(f"mecsim: internal error: {told} (run again with --debug and report it)", EXIT_FAILURE)
    sys.exit(code if isinstance(code, int) else 0)


def _say_anything() -> None:
    """Let letters that the terminal or the file of the output lacks be replaced: nothing ends at a `±`."""
    register_error(_PLAIN, _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_PLAIN)


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    plain = "".join(_LETTERS.get(letter) or normalize("NFKD", letter)[0] for letter in lacking)
    return "".join(letter if letter.isascii() else "?" for letter in plain), error.end


def missing_package(error: ModuleNotFoundError) -> str | None:
    """The package that a light installation left out, as pip knows it; None where another one is missing."""
    name = (error.name or "").partition(".")[0].replace("_", "-")
    return name if name in LEFT_OUT else None


def _one_line(message: str) -> str:
    return " ".join(message.split())


def _fail(message: str, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)
