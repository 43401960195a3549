"""Trains a run before the eyes of all who are to be told of it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from mecsim.core.lock import writing_folder
from mecsim.core.stopping import never
from mecsim.policies import named_policy
from mecsim.report.monitors import find_monitor
from mecsim.report.tensorboard import TensorBoardMonitor
from mecsim.training import Evaluate, Monitor, Run, Watched, train


def learn(
    run: Run, evaluate: Evaluate, beside: Monitor | None, device: str, resume: bool,
    stop: Callable[[], bool] = never, log: Sequence[str] = (),
) -> None:  # fmt: skip
    """Train a run to its end or until `stop` says so, or go on with it; nobody else writes it meanwhile.

    Events of TensorBoard are always written; `log` names who else is told, and `beside` is told last.

    Raises:
        MecsimError: somebody else writes it.
        InputError: one of `log` cannot be used; RunError: what there is to resume is damaged.
    """
    makers = [TensorBoardMonitor, *map(find_monitor, log)]
    with ExitStack() as stack:
        stack.enter_context(writing_folder(run.folder))
        resumed_at: int | None = None
        if resume:
            resumed_at = run.latest_env_steps(go_on=True) if run.has_checkpoint() else 0
        watched = Watched(run, evaluate(named_policy("greedy", run.scenario)(run.seed)), resumed_at)
        monitors: list[Monitor] = []
        for make in makers:
            monitor = make(watched)
            monitors.append(stack.enter_context(monitor) if isinstance(monitor, AbstractContextManager) else monitor)
        train(run, evaluate, monitors if beside is None else [*monitors, beside], device, resume, stop)
