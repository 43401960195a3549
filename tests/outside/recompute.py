"""Recomputes what `mecsim simulate --out FOLDER` wrote, from the files in FOLDER and the documentation alone.

    python tests/outside/recompute.py FOLDER

Nothing of mecsim is imported. When uploads end, under interference or not; when tasks are finished, with priorities or
not; when results are back; energies, prices, ratings, and the means of summary.json. Says how far the files are off,
and ends with 1 if that is more than a ten-millionth anywhere. Rates by the CQI table and power curves are left out.
"""

import csv
import json
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

TOLERANCE = 1e-7
UNITS = {"W": 1.0, "mW": 1e-3, "Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}

Row = dict[str, Any]


def quantity(text: object) -> float:
    """A number in SI units."""
    number, _, unit = str(text).partition(" ")
    return float(number) * (UNITS[unit] if unit else 1.0)


def rows(path: Path) -> list[Row]:
    """A table; what is a number is one."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _value(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


class Deviations:
    """The worst relative deviation of each quantity."""

    def __init__(self) -> None:
        self.worst: dict[str, float] = defaultdict(float)
        self.count = 0

    def compare(self, name: str, found: float, expected: float, size: float = 0.0) -> None:
        """`size` is that of the numbers of which this is a difference."""
        self.count += 1
        off = 0.0 if found == expected else abs(found - expected) / max(abs(expected), size, 1e-300)
        self.worst[name] = max(self.worst[name], off)


def upload_ends(tasks: Sequence[Row], radio: Mapping[str, Any]) -> list[float]:
    """When the uploads to one server end: at the rate of the link, or while those that go on disturb each other."""
    if not radio["interference"]:
        return [task["dispatch_s"] + task["size_bit"] / task["rate_bit_per_s"] for task in tasks]
    bandwidth_hz, ends = quantity(radio["bandwidth"]), [math.nan] * len(tasks)
    order = sorted(range(len(tasks)), key=lambda i: float(tasks[i]["dispatch_s"]))
    left: dict[int, float] = {}
    now_s = 0.0
    while left or order:
        rate = {}
        for i in left:
            others = sum(tasks[j]["snr"] for j in left if j != i)
            rate[i] = bandwidth_hz * math.log1p(tasks[i]["snr"] / (1.0 + others)) / math.log(2.0)
        first = min(left, key=lambda i: left[i] / rate[i], default=-1)
        end_s = now_s + left[first] / rate[first] if left else math.inf
        next_s = tasks[order[0]]["dispatch_s"] if order else math.inf
        for i in left:
            left[i] -= (min(end_s, next_s) - now_s) * rate[i]
        now_s = min(end_s, next_s)
        if end_s <= next_s:
            ends[first] = now_s
            del left[first]
        else:
            begun = order.pop(0)
            left[begun] = tasks[begun]["size_bit"]
    return ends


def finishes(tasks: Sequence[Row], start_s: Sequence[float], speed_hz: float, preemptive: bool) -> list[float]:
    """When the tasks of one server are finished: those of the most urgent class that is there share it equally."""
    order = sorted(range(len(tasks)), key=lambda i: start_s[i])
    left: dict[int, float] = {}
    now_s, found = 0.0, [math.nan] * len(tasks)
    while left or order:
        urgent = min((tasks[i].get("priority", 0.0) for i in left), default=0.0)
        served = [i for i in left if not preemptive or tasks[i].get("priority", 0.0) == urgent]
        first = min(served, key=lambda i: left[i], default=-1)
        end_s = now_s + left[first] * len(served) / speed_hz if served else math.inf
        next_s = start_s[order[0]] if order else math.inf
        for i in served:
            left[i] -= (min(end_s, next_s) - now_s) * speed_hz / len(served)
        now_s = min(end_s, next_s)
        if end_s <= next_s:
            found[first] = now_s
            del left[first]
        else:
            begun = order.pop(0)
            left[begun] = tasks[begun]["cycles"]
    return found


def rating(task: Row, delay_s: float, asked: Mapping[str, Any]) -> float:
    """0 to 5: by the zone of tolerance on the logarithmic axis, or by the logistic form."""
    if "centre_s" in task:
        return 5.0 - 5.0 / (1.0 + math.exp(min(task["steepness_per_s"] * (task["centre_s"] - delay_s), 700.0)))
    step = 2.0 * math.log(task["adequate_s"] / delay_s) / math.log(task["adequate_s"] / task["desired_s"])
    below, above = asked["slope_below"] * min(step, 0.0), asked["slope_above"] * max(step - 2.0, 0.0)
    return min(max(2.0 + below + min(max(step, 0.0), 2.0) + above, 0.0), 5.0)


def option_of(scenario: Mapping[str, Any], server: Row) -> Mapping[str, Any]:
    """What the scenario says of a server."""
    servers = scenario["servers"]
    if server["kind"] != "edge":
        return dict(servers[str(server["kind"])])
    return dict(servers["edges"][server["name"]] if servers.get("edges") else servers["edge"])


def check_server(tasks: Sequence[Row], server: Row, scenario: Mapping[str, Any], off: Deviations) -> None:
    """All that one server did in an episode."""
    radio, energy, option = scenario["channel"], scenario["energy"], option_of(scenario, server)
    device, speed_hz = server["kind"] == "device", float(server["cpu_hz"])
    for task in tasks:
        task.setdefault("cycles", task["size_bit"] * scenario["tasks"]["cycles_per_bit"])
    ends = [task["dispatch_s"] for task in tasks] if device else upload_ends(tasks, radio)
    done = finishes(tasks, ends, speed_hz, scenario["servers"]["scheduling"] == "priority")
    capacitance = option["capacitance"] if device else energy["capacitance"]
    for task, end_s, done_s in zip(tasks, ends, done, strict=True):
        off.compare("upload_end_s", task["upload_end_s"], end_s)
        off.compare("finish_s", task["finish_s"], done_s)
        upload_s, back_s = end_s - task["dispatch_s"], 0.0
        if radio["interference"] and upload_s > 0.0:
            off.compare("rate_bit_per_s", task["rate_bit_per_s"], task["size_bit"] / upload_s)
        if "result_s" in task and not device:
            alone = task["rate_bit_per_s"]
            if radio["interference"]:
                alone = quantity(radio["bandwidth"]) * math.log1p(task["snr"]) / math.log(2.0)
            back_s = task["output_bit"] / alone
        off.compare("result_s", task.get("result_s", done_s), done_s + back_s)
        off.compare("delay_s", task["delay_s"], done_s + back_s - task["dispatch_s"], 1e-3 * done_s)
        radio_j = 0.0 if device else quantity(radio["tx_power"]) * upload_s + quantity(radio["rx_power"]) * back_s
        if energy["model"] == "dynamic":
            used_j = radio_j + capacitance * speed_hz**2 * task["cycles"]
            off.compare("energy_j", task["energy_j"], used_j, quantity(radio["tx_power"]) * 1e-3 * done_s)
        if "price" in task:
            price = option["price"]
            asked = price["per_gigacycle"] * 1e-9 * task["cycles"] + price["per_gigabit"] * 1e-9 * task["size_bit"]
            off.compare("price", task["price"], asked)
        if "satisfaction" in task:
            waited_s = task["queued_s"] if scenario["dispatch"]["waiting_in_delay"] else 0.0
            found = rating(task, done_s + back_s - task["dispatch_s"] + waited_s, scenario["satisfaction"])
            off.compare("satisfaction", task["satisfaction"], found, 5.0)


def check_means(
    episodes: Mapping[float, list[Row]], folder: Path, scenario: Mapping[str, Any], off: Deviations
) -> None:
    """The means over episodes in summary.json that follow from tasks alone."""
    told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    count, waits = told["episodes"], scenario["dispatch"]["waiting_in_delay"]
    waiting = rows(folder / "waiting.csv")

    def mean(total: Sequence[float]) -> float:
        return math.fsum(total) / count

    tasks = [task for episode in episodes.values() for task in episode]
    delay_s = mean([task["delay_s"] + (task["queued_s"] if waits else 0.0) for task in tasks])
    off.compare("mean of delay_s", told["per_episode"]["delay_s"]["mean"], delay_s)
    off.compare("mean of tasks", told["per_episode"]["tasks"]["mean"], mean([1.0] * len(tasks)))
    off.compare("mean of tasks left", told["per_episode"]["tasks_left_in_queue"]["mean"], len(waiting) / count)
    if scenario["energy"]["model"] == "dynamic":
        off.compare("mean of energy_j", told["per_episode"]["energy_j"]["mean"], mean([t["energy_j"] for t in tasks]))
    if "price" in told["per_episode"]:
        off.compare("mean of price", told["per_episode"]["price"]["mean"], mean([t["price"] for t in tasks]))


def main(folder: Path) -> int:
    """Check a folder; 0 if all of it holds."""
    scenario = yaml.safe_load((folder / "scenario.yaml").read_text(encoding="utf-8"))
    servers = {(row["episode"], row["server"]): row for row in rows(folder / "servers.csv")}
    by_server, episodes = defaultdict[tuple[float, float], list[Row]](list), defaultdict[float, list[Row]](list)
    for task in rows(folder / "tasks.csv"):
        by_server[task["episode"], task["server"]].append(task)
        episodes[task["episode"]].append(task)
    off = Deviations()
    for key, tasks in by_server.items():
        check_server(tasks, servers[key], scenario, off)
    check_means(episodes, folder, scenario, off)
    for name, worst in sorted(off.worst.items()):
        print(f"{name}: off by {worst:.1e} at most{'' if worst <= TOLERANCE else ', TOO MUCH'}")
    print(f"{off.count} numbers compared")
    return int(not off.worst or max(off.worst.values()) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
