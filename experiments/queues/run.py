"""Orders of the dispatch queue (appendix A5 of the GMORL paper, arXiv 2509.10474).

The paper compares first-in-first-out, preemptive and earliest-deadline-first queues. Here `gmorl-e6` gets tasks of
three classes (20, 30 and 50 %) with deadlines of 5 to 30 s, and one of three orders: `fifo`; `preemptive`, where the
most urgent class leaves the queue first and preempts the others on the servers; `edf`. In each, an agent trained there
for 500,000 steps and greedy are played on the same episodes.

    python experiments/queues/run.py

Costs are those of the objectives, which know no deadline; what an order does to deadlines and classes stands beside
them, at equal weights of delay and energy.
"""

import numpy as np

from mecsim.cli import main
from mecsim.policies import calibrate, play
from mecsim.report.charts import save_bars
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import PLAIN_AGENT, Study, experiment
from mecsim.sweep import compared, half_width_95, measured, policy_factory
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.quantities import episode_quantities
from mecsim.systems.offload.scenario import OffloadScenario

STEPS = 500_000
EPISODES = 200
TASKS = {"tasks.priorities": "[0.2, 0.3, 0.5]", "tasks.deadline": "[5, 30] s"}
ORDERS = {
    "fifo": {"dispatch.queue": "fifo"},
    "preemptive": {"dispatch.queue": "priority", "servers.scheduling": "priority"},
    "edf": {"dispatch.queue": "edf"},
}


@experiment(__file__)
def run(study: Study) -> None:
    """Objectives, deadlines and classes under each order."""
    rows: list[dict[str, object]] = []
    for order, changes in ORDERS.items():
        scenario = with_context(load_scenario("gmorl-e6"), {**TASKS, **changes})
        calibration = calibrate(scenario)
        agent = study.trained(scenario, f"queues-{order}", STEPS, PLAIN_AGENT)
        fronts = study.fronts([agent, "greedy"], scenario, 21, EPISODES)
        for front in fronts:
            row: dict[str, object] = {"order": order, "target": "agent" if front.target == agent else "greedy"}
            row |= measured(front, calibration) | compared(front, fronts[1], calibration, "greedy")
            rows.append(row | _service(front.target, scenario, study))
    told = study.write(rows, steps=STEPS)
    labels = [f"{row['order']}\n{row['target']}" for row in rows]
    values, spread = (told[key].to_list() for key in ("missed", "missed_ci95"))
    save_bars(
        study.out / "deadlines.png", "Six edges, equal weights", "share of deadlines missed", labels, values, spread
    )


def _service(target: str, scenario: OffloadScenario, study: Study) -> dict[str, object]:
    """Deadlines missed, and time from arrival to completion by class, at equal weights."""
    tapes = draw_tapes(scenario, study.seed, 0, study.episodes(EPISODES))
    played = play(policy_factory(target, scenario)(study.seed), scenario, tapes, np.array([0.5, 0.5]))
    columns, records = episode_quantities(played, tapes, scenario), played.records
    missed = columns["deadline_miss_ratio"]
    row: dict[str, object] = {"missed": float(missed.mean()), "missed_ci95": float(half_width_95(missed))}
    rows = np.arange(len(tapes))[:, None]
    priority = tapes.priority[rows, np.maximum(records.task, 0)]
    for level in range(len(scenario.tasks.priorities)):
        of_class = records.dispatched & (priority == level)
        row[f"response_s_class{level}"] = float((records.finish_s - records.arrival_s)[of_class].mean())
    return row


if __name__ == "__main__":
    main(program=run)
