"""Interference between concurrent uploads, on and off (equations 3-4 of the GMORL paper, arXiv 2509.10474).

The paper has interference in its equations and no result of it. It can only matter where uploads to a server overlap.
With the rates of the paper's regime an upload lasts some hundredths of a second and one begins per second, so nothing
overlaps (`gmorl` below). In an urban micro cell of 3GPP TR 38.901 with narrow channels (`narrow`, 200 mW, 2 MHz, noise
figure 5 dB) uploads last seconds. In each, an agent trained there for 300,000 steps and greedy are played on the same
episodes.

    python experiments/interference/run.py

`upload_s` is the mean duration of an upload, `overlapping` the share of tasks that were sent while another upload to
the same server was on its way, both at equal weights of delay and energy.
"""

import numpy as np

from mecsim.cli import main
from mecsim.policies import calibrate, play
from mecsim.report.charts import save_bars
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import PLAIN_AGENT, Study, experiment
from mecsim.sweep import compared, measured, policy_factory
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario

STEPS = 300_000
EPISODES = 200
CHANNELS = {
    "gmorl": {"channel.model": "gmorl"},
    "narrow": {
        "channel.model": "umi",
        "channel.bandwidth": "2 MHz",
        "channel.tx_power": "200 mW",
        "channel.noise_figure": "5 dB",
    },
}


@experiment(__file__)
def run(study: Study) -> None:
    """Objectives with and without interference in two regimes."""
    rows: list[dict[str, object]] = []
    for channel, changes in CHANNELS.items():
        unmeasured = {"evaluation.reference": "null", "evaluation.scale": "null"}
        clear = with_context(load_scenario("gmorl-e6"), {**changes, **unmeasured})
        yardsticks = _yardsticks(clear)  # of the channel without interference, so that costs compare
        for interference in (False, True):
            scenario = with_context(clear, {"channel.interference": str(interference).lower(), **yardsticks})
            calibration = calibrate(scenario)
            agent = study.trained(
                scenario, f"interference-{channel}-{'on' if interference else 'off'}", STEPS, PLAIN_AGENT
            )
            fronts = study.fronts([agent, "greedy"], scenario, 21, EPISODES)
            for front in fronts:
                row: dict[str, object] = {"channel": channel, "interference": int(interference)}
                row["target"] = "agent" if front.target == agent else "greedy"
                row |= measured(front, calibration) | compared(front, fronts[1], calibration, "greedy")
                rows.append(row | _uploads(front.target, scenario, study))
    told = study.write(rows, steps=STEPS)
    shown = told.filter(told["channel"] == "narrow")
    labels = [f"{row['target']}\n{'with' if row['interference'] else 'without'}" for row in shown.iter_rows(named=True)]
    values, spread = (shown[key].to_list() for key in ("mean_cost", "mean_cost_ci95"))
    save_bars(
        study.out / "interference.png", "Urban micro cell, 2 MHz", "mean cost (lower is better)", labels, values, spread
    )


def _yardsticks(scenario: OffloadScenario) -> dict[str, str]:
    """What is measured on one scenario, to be laid down in others."""
    calibration = calibrate(scenario)
    pairs = {"reference": calibration.reference, "scale": calibration.scale}
    return {
        f"evaluation.{key}": f"{{delay: {delay:.6g} s, energy: {energy:.6g} J}}"
        for key, (delay, energy) in pairs.items()
    }


def _uploads(target: str, scenario: OffloadScenario, study: Study) -> dict[str, object]:
    """How long uploads last and how often they overlap, at equal weights."""
    tapes = draw_tapes(scenario, study.seed, 0, study.episodes(EPISODES))
    records = play(policy_factory(target, scenario)(study.seed), scenario, tapes, np.array([0.5, 0.5])).records
    upload_s = (records.upload_end_s - records.dispatch_s)[records.dispatched]
    return {"upload_s": float(upload_s.mean()), "overlapping": _overlapping(records)}


def _overlapping(records: OffloadRecords) -> float:
    """Share of the tasks that were sent while another upload to the same server was on its way."""
    steps = records.task.shape[1]
    earlier = np.tri(steps, k=-1, dtype=np.bool_)  # [i, j]: step j lies before step i
    same = records.server[:, :, None] == records.server[:, None, :]
    underway = records.upload_end_s[:, None, :] > records.dispatch_s[:, :, None]
    both = records.dispatched[:, :, None] & records.dispatched[:, None, :]
    return float((same & underway & both & earlier).any(axis=2)[records.dispatched].mean())


if __name__ == "__main__":
    main(program=run)
