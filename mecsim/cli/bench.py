"""mecsim bench: how fast the engines and the training are on this machine."""

import json

import click

from mecsim.cli.options import threads_option
from mecsim.core.threads import use_threads


@click.command()
@click.option(
    "--scenario", default="gmorl-e6", show_default=True, metavar="SCENARIO", help="A file or a built-in's name."
)
@click.option("--envs", type=click.IntRange(1, 65536), default=1024, show_default=True, help="Episodes side by side.")
@click.option("--training", is_flag=True, help="Measure training as well, and what its time goes to.")
@click.option("--latency", is_flag=True, help="Measure how long one decision takes as well, on one thread.")
@click.option("--start", is_flag=True, help="Measure how long a first and a later command take as well.")
@threads_option
def bench(scenario: str, envs: int, training: bool, latency: bool, start: bool, num_threads: int | None) -> None:
    """Measure speeds and print them as JSON; the best of several repetitions, as other programs only slow one down."""
    from mecsim.bench.engines import measure_engines
    from mecsim.bench.latency import measure_decisions
    from mecsim.bench.start import measure_start
    from mecsim.bench.training import measure_training
    from mecsim.report.provenance import provenance
    from mecsim.scenario import load_scenario

    measured = load_scenario(scenario)
    threads = use_threads(num_threads)
    found = {"scenario": scenario, "threads": threads, "envs": envs, **measure_engines(measured, envs)}
    if training:
        found |= measure_training(measured)
    if latency:
        found |= measure_decisions(measured)
    if start:
        found |= measure_start(scenario)
    click.echo(json.dumps({**found, **provenance()}, indent=2))
