"""Checks across the keys of a scenario: what belongs together, and whether data from outside fits.

Every finding is the key's path and a message that says what is wrong and what is expected.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from mecsim.errors import ScenarioError
from mecsim.physics.arrivals.base import ArrivalLaw
from mecsim.physics.arrivals.poisson import PoissonArrivals
from mecsim.physics.arrivals.section import Arrivals
from mecsim.physics.mobility.trace import Trace
from mecsim.schema.fields import Finding, unread_keys
from mecsim.systems.offload.area import beyond_area
from mecsim.systems.offload.data import (
    MAX_STEPS,
    MobilityTrace,
    Positions,
    Sites,
    TaskTrace,
    check_names,
)
from mecsim.systems.offload.demand import Dispatch, Episode, Tasks, Users
from mecsim.systems.offload.network import Channel, Energy, Servers


class Described(Protocol):
    """What is checked of a scenario, which itself calls the checks."""

    @property
    def episode(self) -> Episode: ...
    @property
    def users(self) -> Users: ...
    @property
    def arrivals(self) -> Arrivals: ...
    @property
    def tasks(self) -> Tasks: ...
    @property
    def dispatch(self) -> Dispatch: ...
    @property
    def servers(self) -> Servers: ...
    @property
    def energy(self) -> Energy: ...
    @property
    def per_task(self) -> bool: ...
    @property
    def objectives(self) -> Sequence[str]: ...
    @property
    def has_deadlines(self) -> bool: ...
    @property
    def has_output(self) -> bool: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def priority_classes(self) -> int: ...
    @property
    def task_trace(self) -> TaskTrace | None: ...
    @property
    def mobility_trace(self) -> MobilityTrace | None: ...
    @property
    def site_file(self) -> Sites | None: ...
    @property
    def own_sites(self) -> Sites | None: ...
    @property
    def sites(self) -> Positions | None: ...


def check_data(scenario: Described) -> list[Finding]:
    """Files that cannot be read, or do not fit the scenario."""
    findings = [*_check_sites(scenario), *_check_mobility(scenario), *_check_tasks(scenario)]
    findings = findings or [*_check_coordinates(scenario), *_check_clocks(scenario)]
    return findings or _check_area(scenario)


def check_urgency(scenario: Described) -> list[Finding]:
    """Orders of service that need deadlines or priority classes. Files have been read by now."""
    trace, tasks = scenario.task_trace, scenario.tasks
    findings: list[Finding] = []
    if trace is not None and trace.deadline_s is not None and tasks.deadline_s is not None:
        findings.append(("tasks.deadline", "has no meaning, as the trace has deadlines, expected null"))
    if trace is not None and trace.priority is not None and tasks.priorities != (1.0,):
        findings.append(("tasks.priorities", "have no meaning, as the trace has priorities, expected none"))
    if trace is not None and trace.cycles_per_bit is not None and tasks.cycles_distribution != "deterministic":
        told = "has no meaning, as the trace has cycles of its tasks, expected deterministic"
        findings.append(("tasks.cycles_distribution", told))
    if trace is not None and trace.output_bit is not None and tasks.output_bit is not None:
        findings.append(("tasks.output", "has no meaning, as the trace has output_bit, expected null"))
    idle = {"rx_power_w": (not scenario.has_output, "tasks.output, or a trace with output_bit")}
    findings += unread_keys(scenario.channel, idle, "channel.")
    if scenario.dispatch.queue == "edf" and not scenario.has_deadlines:
        cure = "expected tasks.deadline, a trace with deadline_s, or another queue"
        findings.append(("dispatch.queue", f"edf needs deadlines, {cure}"))
    if "misses" in scenario.objectives and not scenario.has_deadlines:
        findings.append(("objectives", "misses need deadlines, expected tasks.deadline or a trace with deadline_s"))
    cure = "expected tasks.priorities of two classes or more, or a trace with priority"
    if scenario.priority_classes == 1 and scenario.dispatch.queue == "priority":
        findings.append(("dispatch.queue", f"all tasks are of one class, {cure}"))
    if scenario.priority_classes == 1 and scenario.servers.scheduling == "priority":
        findings.append(("servers.scheduling", f"all tasks are of one class, {cure}"))
    return findings


def check_options(scenario: Described) -> list[Finding]:
    """Keys that need or exclude each other; nothing is read from outside."""
    mobility, findings = scenario.users.mobility, []
    if isinstance(mobility.law, Trace) and mobility.file is None:
        findings.append(("users.mobility.file", "missing, expected the CSV file of the trace"))
    if not mobility.law.HAS_PLACES and scenario.servers.edge.sites is not None:
        cure = "expected users.mobility.model: fixed, waypoint or trace"
        findings.append(("servers.edge.sites", f"sites have no distances to users without positions, {cure}"))
    if not mobility.law.HAS_PLACES and scenario.servers.places is not None:
        cure = "expected users.mobility.model: fixed, waypoint or trace"
        findings.append(("servers.edges", f"places have no distances to users without positions, {cure}"))
    if scenario.tasks.trace.file is not None and not isinstance(scenario.arrivals.law, PoissonArrivals):
        cure = "expected arrivals.model: poisson, the default, or tasks.trace.file: null"
        findings.append(("arrivals.model", f"has no meaning with recorded tasks, {cure}"))
    return findings + (_check_moments(scenario) if scenario.per_task else [])


def _check_moments(scenario: Described) -> list[Finding]:
    """What decisions at the arrival of tasks need."""
    findings: list[Finding] = []
    law, drawn = type(scenario.arrivals.law), scenario.tasks.trace.file is None
    if drawn and law.draw_gaps is ArrivalLaw.draw_gaps:
        told = "tells how many arrive and not when, expected another law, or dispatch.decide: step"
        findings.append(("arrivals.model", told))
    if drawn and scenario.users.arrival_rate_per_s == 0.0:
        findings.append(("users.arrival_rate", "nothing would be decided, expected a rate above 0"))
    if scenario.energy.model == "power-curve":
        told = "expected dynamic where each task is decided: a power curve needs steps to be measured in"
        findings.append(("energy.model", told))
    return findings


def check_effects(scenario: Described) -> list[Finding]:
    """Keys that nothing reads, as others stand; nothing is read from outside."""
    servers, users = scenario.servers, scenario.users
    no_cloud = (servers.cloud.count == 0, "servers.cloud.count: 1")
    placed = (users.mobility.law.HAS_PLACES, "users.mobility.model: none")
    findings = unread_keys(servers.cloud, {"cpu_hz": no_cloud, "distance_m": no_cloud}, "servers.cloud.")
    findings += unread_keys(scenario.energy, {"cloud_power_w": no_cloud}, "energy.")
    findings += unread_keys(servers.edge, {"distance_m": placed}, "servers.edge.")
    each_step = (not scenario.per_task, "dispatch.decide: task")
    spanned = (scenario.episode.span_s is not None, "episode.span: null")
    idle = {"step_s": (scenario.per_task, "dispatch.decide: step"), "span_s": each_step, "steps": spanned}
    findings += unread_keys(scenario.episode, idle, "episode.")
    findings += unread_keys(scenario.dispatch, {"discount_per_s": each_step}, "dispatch.")
    idle = {"distance_m": placed, "power_w": (scenario.energy.model == "dynamic", "energy.model: power-curve")}
    for name, edge in servers.edges.items():
        findings += unread_keys(edge, idle, f"servers.edges.{name}.")
    recorded = (scenario.tasks.trace.file is not None, "tasks.trace.file: null")
    findings += unread_keys(users, {"arrival_rate_per_s": recorded}, "users.")
    size = scenario.tasks.size
    findings += unread_keys(size, dict.fromkeys(type(size).model_fields, recorded), "tasks.size.")
    own_w = (bool(servers.edges) and all(edge.power_w for edge in servers.edges.values()), "an edge without a power")
    return findings + unread_keys(scenario.energy, {"edge_power_w": own_w}, "energy.")


def _reading(key: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    """What `check` finds; or why the file at `key`, which it reads, cannot be used."""
    try:
        return check()
    except ScenarioError as error:
        return [(key, str(error))]


def _check_sites(scenario: Described) -> list[Finding]:
    def check() -> list[Finding]:
        sites, edges = scenario.site_file, scenario.servers.edge_count
        if sites is None:
            return []
        if edges.high > len(sites.values):
            told = f"expected at most {len(sites.values)}, as many as there are sites, got {edges.high}"
            return [("servers.edge.count", told)]
        if scenario.own_sites is not None:
            check_names(sites)
        elif sites.cpu_hz is not None or sites.power_w is not None:
            told = f"expected {len(sites.values)}, an edge on each site, as the file tells speeds or powers of each"
            return [("servers.edge.count", told)]
        idle = {"cpu_hz": (sites.cpu_hz is not None, "a file of sites without cpu_ghz")}
        findings = unread_keys(scenario.servers.edge, idle, "servers.edge.")
        if sites.power_w is not None:
            idle = {"edge_power_w": (True, "a file of sites without idle_w and full_w")}
            findings += unread_keys(scenario.energy, idle, "energy.")
            if scenario.energy.model == "dynamic":
                told = "expected energy.model: power-curve, or a file without them"
                findings.append(("servers.edge.sites", f"idle_w and full_w have no meaning here, {told}"))
        return findings

    return _reading("servers.edge.sites", check)


def _check_mobility(scenario: Described) -> list[Finding]:
    users = scenario.users.count

    def check() -> list[Finding]:
        trace = scenario.mobility_trace
        if trace is None:
            return []
        trace.table.refuse(trace.table.columns["user"] >= users, _user_text(users))
        present = np.zeros(users, np.bool_)
        present[trace.user] = True
        if present.all():
            return []
        return [("users.mobility.file", f"user {int(np.argmin(present))} has no position, expected one for each user")]

    return _reading("users.mobility.file", check)


def _check_tasks(scenario: Described) -> list[Finding]:
    users, step_s = scenario.users.count, scenario.episode.step_s

    def check() -> list[Finding]:
        trace = scenario.task_trace
        if trace is None:
            return []
        trace.table.refuse(trace.table.columns["user"] >= users, _user_text(users))
        if scenario.per_task or trace.time_s[-1] / step_s <= MAX_STEPS:
            return []
        return [("episode.step", f"the trace would have more than {MAX_STEPS:.0e} steps, expected a longer step")]

    return _reading("tasks.trace.file", check)


def _check_coordinates(scenario: Described) -> list[Finding]:
    sites, trace = scenario.sites, scenario.mobility_trace
    if sites is None or trace is None or sites.in_degrees == trace.positions.in_degrees:
        return []
    cure = "expected both in metres (x_m,y_m) or both in degrees (latitude,longitude)"
    return [("users.mobility.file", f"other coordinates than servers.edge.sites, {cure}")]


def _check_area(scenario: Described) -> list[Finding]:
    if scenario.users.mobility.outside != "refuse":
        return []
    cure = "expected none, a larger users.mobility.width and height, or users.mobility.outside: clip"
    return [(key, f"{told}, {cure}") for key, told in beyond_area(scenario)]


def _check_clocks(scenario: Described) -> list[Finding]:
    """Recorded tasks and positions have one clock; dates begin it at the first of them, which each file has its own."""
    tasks, walks = scenario.task_trace, scenario.mobility_trace
    if tasks is None or walks is None:
        return []
    tables = {"tasks.trace.origin": tasks.table, "users.mobility.origin": walks.table}
    cure = "expected the date and time of second 0, as tasks and positions have one clock"
    return [(key, f"missing, {cure}") for key, table in tables.items() if table.dated]


def _user_text(users: int) -> str:
    return f"user: expected a number from 0 to {users - 1}, as users.count is {users}"
