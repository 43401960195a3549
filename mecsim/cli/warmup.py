"""mecsim warmup: compile everything now, so that nobody waits for it later."""

import time

import click

from mecsim.cli.completion import scenarios as complete_scenarios


@click.command()
@click.argument("scenarios", metavar="[SCENARIO]...", nargs=-1, shell_complete=complete_scenarios)
def warmup(scenarios: tuple[str, ...]) -> None:
    """Compile the kernels of each SCENARIO (a file or a built-in's name), or of all built-in ones.

    For images of containers and for clusters. MECSIM_CACHE_DIR names the folder to keep them in, if it is not to be the
    package's own.
    """
    from mecsim.core.kernel_cache import kernel_folder
    from mecsim.core.watch import watched
    from mecsim.policies import warm_up
    from mecsim.scenario import builtin_names, load_scenario

    loaded = {name: load_scenario(name) for name in scenarios or builtin_names()}
    compiled: list[str] = []
    with watched(lambda kernel, ready: compiled.append(kernel) if ready else None):
        for name, scenario in loaded.items():
            started, before = time.perf_counter(), len(compiled)
            warm_up(scenario)
            click.echo(f"{name}: {len(compiled) - before} compiled, {time.perf_counter() - started:.0f} s")
    click.echo(f"all kernels are in {kernel_folder()}")
