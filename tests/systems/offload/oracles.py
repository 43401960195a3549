"""Plain oracles for what a scenario may have beyond the paper's system: event by event, from what was sent alone."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.channel.cqi import CQI_EFFICIENCY, CQI_SINR_DB
from mecsim.physics.delay_forms.zone import ZoneDelay
from mecsim.schema.fields import POWER_CURVES_W
from mecsim.systems.offload.network import Price
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Waiting:
    """A task in the dispatch queue."""

    index: int
    arrival_s: float
    rank: float


def waiting_tasks(scenario: OffloadScenario, tapes: OffloadTapes, n: int) -> list[list[Waiting]]:
    """Who waits at each decision of episode `n`, the next to go first, and after the last step: by sorting them all."""
    queue, waiting, found, arrived = scenario.dispatch.queue, list[Waiting](), list[list[Waiting]](), 0
    for step, count in enumerate(tapes.arrivals[n].tolist()):
        for index in range(arrived, arrived + count):
            rank = 0.0
            if queue == "priority":
                rank = float(tapes.priority[n, index])
            elif queue == "edf":
                rank = tapes.decision_s[n, step] + tapes.deadline_s[n, index]
            waiting.append(Waiting(index, float(tapes.decision_s[n, step]), rank))
        arrived += count
        waiting = sorted(waiting, key=lambda task: (task.rank, task.index))
        found.append(list(waiting))
        waiting = waiting[1:]
    return [*found, waiting]


def spectral_efficiency(sinr: float, adaptation: str) -> float:
    """Bit/s/Hz of a link: Shannon's, or of the best CQI that the SINR allows, in proportion below the lowest."""
    if adaptation == "shannon":
        return math.log2(1.0 + sinr) if sinr > 1e-3 else math.log1p(sinr) / math.log(2.0)
    levels = [10.0 ** (level_db / 10.0) for level_db in CQI_SINR_DB]
    allowed = [efficiency for level, efficiency in zip(levels, CQI_EFFICIENCY, strict=True) if sinr >= level]
    return allowed[-1] if allowed else CQI_EFFICIENCY[0] * sinr / levels[0]


def interfering_end_s(dispatch_s: Array, size_bit: Array, snr: Array, bandwidth_hz: float, adaptation: str) -> Array:
    """When each upload to one server ends, while those that go on disturb each other."""
    order = list(np.argsort(dispatch_s, kind="stable"))
    end_s = np.full(len(size_bit), np.nan)
    left: dict[int, float] = {}
    now = 0.0
    while left or order:
        rate = {
            i: bandwidth_hz * spectral_efficiency(snr[i] / (1.0 + sum(snr[j] for j in left if j != i)), adaptation)
            for i in left
        }
        first = min(left, key=lambda i: left[i] / rate[i], default=-1)
        done = now + left[first] / rate[first] if left else np.inf
        sent = dispatch_s[order[0]] if order else np.inf
        event = min(done, sent)
        for i in left:
            left[i] -= (event - now) * rate[i]
        now = event
        if done <= sent:
            end_s[first] = now
            del left[first]
        else:
            joining = int(order.pop(0))
            left[joining] = float(size_bit[joining])
    return end_s


def busy_intervals_s(start_s: Array, finish_s: Array) -> list[tuple[float, float]]:
    """When a server has at least one task, as disjoint intervals."""
    found: list[tuple[float, float]] = []
    for start, finish in sorted(zip(start_s.tolist(), finish_s.tolist(), strict=True)):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], finish)
        else:
            found.append((start, finish))
    return found


def curve_w(scenario: OffloadScenario, server: int) -> tuple[float, ...]:
    """The power of a server at equal distances of utilisation."""
    servers, curve = scenario.servers, scenario.energy.edge_power_w
    if server < servers.cloud.count:
        curve = scenario.energy.cloud_power_w
    elif servers.edges:
        own = list(servers.edges.values())[server - servers.cloud.count].power_w
        curve = curve if own is None else own
    return POWER_CURVES_W[curve] if isinstance(curve, str) else curve


def above_idle_j(busy_s: list[tuple[float, float]], curve: tuple[float, ...], step_s: float) -> float:
    """Energy beyond that of an idle server: each step at the power of its utilisation."""
    whole, part_s = 0, dict[int, float]()
    for start, finish in busy_s:
        first, last = math.floor(start / step_s), math.floor(finish / step_s)
        if first == last:
            part_s[first] = part_s.get(first, 0.0) + finish - start
            continue
        part_s[first] = part_s.get(first, 0.0) + (first + 1) * step_s - start
        part_s[last] = part_s.get(last, 0.0) + finish - last * step_s
        whole += last - first - 1
    points = np.linspace(0.0, 1.0, len(curve))
    power_w = np.interp(np.array(list(part_s.values())) / step_s, points, curve) - curve[0]
    return float(power_w.sum() + whole * (curve[-1] - curve[0])) * step_s


@dataclass(frozen=True)
class Realised:
    """What the dispatched tasks of one episode came to."""

    delay_s: float
    waited_s: float  # in the dispatch queue
    radio_j: float
    execution_j: float  # idle power left out
    shortfall: float  # 5 − rating, summed over tasks
    late: int


def realised(scenario: OffloadScenario, tapes: OffloadTapes, records: OffloadRecords, n: int) -> Realised:
    """From the times and sizes in the records alone."""
    sent = records.dispatched[n]
    radio = sent & (records.server[n] < scenario.max_servers)
    upload_s = records.upload_end_s[n] - records.dispatch_s[n]
    execution_j = 0.0
    for server in np.unique(records.server[n, sent]).tolist():
        here = sent & (records.server[n] == server)
        device = server >= scenario.max_servers
        if scenario.energy.model == "power-curve" and not device:
            busy = busy_intervals_s(records.upload_end_s[n, here], records.finish_s[n, here])
            execution_j += above_idle_j(busy, curve_w(scenario, server), scenario.episode.step_s)
            continue
        capacitance = scenario.energy.capacitance
        if device:
            assert scenario.servers.device is not None
            capacitance = scenario.servers.device.capacitance
        cycles = records.cycles[n, here].sum()
        execution_j += capacitance * cpu_hz(scenario, tapes, n, server) ** 2 * cycles
    back_s = float((records.result_s[n] - records.finish_s[n])[sent].sum())
    return Realised(
        delay_s=float((records.result_s[n] - records.dispatch_s[n])[sent].sum()),
        waited_s=float((records.dispatch_s[n] - records.arrival_s[n])[sent].sum()),
        radio_j=scenario.channel.tx_power_w * float(upload_s[radio].sum()) + scenario.channel.rx_power_w * back_s,
        execution_j=execution_j,
        shortfall=sum(5.0 - rating for rating in ratings(scenario, tapes, records, n)),
        late=int((records.result_s[n] > records.deadline_s[n])[sent].sum()),
    )


def asked(scenario: OffloadScenario, server: int) -> Price:
    """What a server, or after these a device, asks for tasks."""
    servers = scenario.servers
    if server >= scenario.max_servers:
        return Price() if servers.device is None else servers.device.price
    edge = server - servers.cloud.count
    if edge < 0:
        return servers.cloud.price
    return list(servers.edges.values())[edge].price if servers.edges else servers.edge.price


def ratings(scenario: OffloadScenario, tapes: OffloadTapes, records: OffloadRecords, n: int) -> list[float]:
    """How satisfied users are with the tasks of an episode, in the order of dispatch; none where nobody rates."""
    asked, found = scenario.satisfaction, []
    if asked is None:
        return []
    law = asked.law
    for step in np.flatnonzero(records.dispatched[n]):
        since_s = records.arrival_s if scenario.dispatch.waiting_in_delay else records.dispatch_s
        delay_s = float(records.result_s[n, step] - since_s[n, step])
        first, second = tapes.patience[n, records.user[n, step]].tolist()
        if asked.form == "logistic":
            found.append(5.0 / (1.0 + math.exp(min(700.0, second * (delay_s - first)))))
            continue
        assert isinstance(law, ZoneDelay)
        if delay_s > first:
            beyond = 2.0 * math.log(delay_s / first) / math.log(first / second)
            found.append(max(0.0, 2.0 - law.slope_below * beyond))
        elif delay_s < second:
            ahead = 2.0 * math.log(second / delay_s) / math.log(first / second)
            found.append(min(5.0, 4.0 + law.slope_above * ahead))
        else:
            found.append(2.0 + 2.0 * math.log(first / delay_s) / math.log(first / second))
    return found


def cpu_hz(scenario: OffloadScenario, tapes: OffloadTapes, n: int, server: int) -> float:
    """Frequency of a server, or of the device of user `server` − max_servers."""
    devices = server - scenario.max_servers
    return float(tapes.cpu_hz[n, server] if devices < 0 else tapes.device_hz[n, devices])


def work_left_s(records: OffloadRecords, n: int, server: int, step: int, now_s: float, speed_hz: float) -> float:
    """All that was sent to a server before the decision of `step`, at `now_s`, minus what it can have done since: the
    time that it takes."""
    sent = records.dispatched[n] & (records.server[n] == server)
    busy = busy_intervals_s(records.upload_end_s[n, sent], records.finish_s[n, sent])
    done_s = sum(max(0.0, min(finish, now_s) - start) for start, finish in busy)
    before = sent & (np.arange(len(sent)) < step)
    return float(records.cycles[n, before].sum() / speed_hz - done_s)
