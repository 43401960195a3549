"""Sites, task traces and mobility traces: what they hold, and how a scenario finds and checks them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.errors import ScenarioError
from mecsim.scenario import parse_scenario, scenario_to_yaml, with_context
from mecsim.schema.units import CountRange
from mecsim.systems.offload.area import plane_m
from mecsim.systems.offload.data import most_in_window, read_mobility, read_sites, read_tasks, steps_of
from mecsim.systems.offload.demand import Mobility, Tasks, Trace, Users
from mecsim.systems.offload.network import Edge
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import offload_scenario, parse_offload

HEAD = "mecsim: 1\nkind: offload\n"
SITES = "x_m,y_m\n0,0\n100,0\n0,50\n"
TASKS = "time_s,user,size_bit\n0.5,1,1e6\n3,0,2e6\n2.5,9,3e6\n"
WALKS = "user,time_s,x_m,y_m\n1,5,0,0\n0,1,2,3\n1,2,8,9\n"

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_tasks_in_the_order_of_time(write: Write) -> None:
    trace = read_tasks(write("t.csv", TASKS))
    assert (trace.time_s.tolist(), trace.user.tolist()) == ([0.5, 2.5, 3.0], [1, 9, 0])
    assert trace.size_bit.tolist() == [1e6, 3e6, 2e6]
    assert (trace.deadline_s, trace.priority, trace.classes) == (None, None, None)


def test_tasks_with_deadlines_and_classes(write: Write) -> None:
    text = "user,priority,deadline_s,size_bit,time_s\n1,2,,1e6,4\n2,0,1.5,1e6,4\n3,1,inf,1e6,1\n"
    trace = read_tasks(write("t.csv", text))
    assert trace.user.tolist() == [3, 1, 2]  # those of the same time in the order of the file
    assert trace.deadline_s is not None
    assert trace.deadline_s.tolist() == [np.inf, np.inf, 1.5]
    assert trace.priority is not None
    assert (trace.priority.tolist(), trace.classes) == ([1, 2, 0], 3)


def test_sites_in_metres_and_degrees(write: Write) -> None:
    sites = read_sites(write("s.csv", SITES))
    assert (sites.values.tolist(), sites.in_degrees) == ([[0, 0], [100, 0], [0, 50]], False)
    degrees = read_sites(write("d.csv", "name,latitude,longitude\nA,-37.8,144.9\nB,-37.9,145\n"))
    assert (degrees.values.tolist(), degrees.in_degrees) == ([[144.9, -37.8], [145, -37.9]], True)


def test_positions_by_user_and_time(write: Write) -> None:
    trace = read_mobility(write("m.csv", WALKS))
    assert (trace.user.tolist(), trace.time_s.tolist()) == ([0, 1, 1], [1, 2, 5])
    assert trace.positions.values.tolist() == [[2, 3], [8, 9], [0, 0]]


@pytest.mark.parametrize(
    ("read", "text", "problem"),
    [
        (read_tasks, "time_s,user,size_bit\n1,1,0\n", ":2: size_bit: expected a size from 1e-18 to 1e18 bit, got '0'"),
        (read_tasks, "time_s,user,size_bit\n-1,1,1\n", ":2: time_s: expected a time from 0 to 1e12 s, got '-1'"),
        (read_tasks, "time_s,user,size_bit,priority\n1,1,1,8\n", ":2: priority: expected a class from 0 to 7, got '8'"),
        (read_tasks, "time_s,user,size\n1,1,1\n", ":1: unknown column 'size', did you mean 'size_bit'?"),
        (read_sites, "latitude,longitude\n95,0\n", ":2: latitude: expected degrees from -85 to 85, got '95'"),
        (
            read_sites,
            "x_m,latitude\n1,1\n",
            ":1: columns x_m,latitude, expected x_m,y_m,[cpu_ghz],[idle_w],[full_w] or "
            "latitude,longitude,[cpu_ghz],[idle_w],[full_w]",
        ),
        (read_sites, "latitude,longitude\n52,13\n13,52\n", ": an area of 39 by 39 degrees, expected at most 5 each"),
        (
            read_mobility,
            "user,time_s,x_m,y_m\n0,1,0,0\n1,1,0,0\n0,1,5,5\n",
            ":4: a second position of the user at the same time, expected one",
        ),
        (read_mobility, "user,time_s,x_m,y_m\n0,1,0,1e8\n", ":2: y_m: expected metres from -1e7 to 1e7, got '1e8'"),
    ],
)
def test_the_line_at_fault_is_named(write: Write, read: Callable[[str], object], text: str, problem: str) -> None:
    path = write("d.csv", text)
    with pytest.raises(ScenarioError) as caught:
        read(path)
    assert caught.value.problems == [path + problem]


def test_too_many_sites(write: Write) -> None:
    with pytest.raises(ScenarioError, match="has 100,002 lines, expected a table of at most 100,000 rows"):
        read_sites(write("s.csv", "x_m,y_m\n" + "1,1\n" * 100_001))


def test_paths_are_relative_to_the_scenario_file(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    sites, tasks = write("below/sites.csv", SITES), write("tasks.csv", TASKS)
    write(
        "below/mine.yaml",
        HEAD + "users: {mobility: {model: fixed}}\nservers: {edge: {sites: sites.csv}}\n"
        "tasks: {trace: {file: ../tasks.csv}}\n",
    )
    monkeypatch.chdir(tmp_path)
    for source in ("below/mine.yaml", tmp_path / "below" / "mine.yaml", Path("below") / "mine.yaml"):
        scenario = offload_scenario(source)
        assert (scenario.servers.edge.sites, scenario.tasks.trace.file) == (sites, tasks)
    monkeypatch.chdir("/")
    assert parse_scenario(scenario_to_yaml(scenario)) == scenario  # wherever it is read


def test_elsewhere_paths_are_relative_to_the_working_folder(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites, tasks = write("sites.csv", SITES), write("tasks.csv", TASKS)
    monkeypatch.chdir(tmp_path)
    assert Edge(sites="sites.csv").sites == sites
    assert Trace(file=tasks).file == tasks
    changed = with_context(offload_scenario("gmorl"), {"tasks.trace.file": "tasks.csv"})
    assert changed.tasks.trace.file == tasks


def test_all_sites_have_an_edge_unless_there_is_a_count(write: Write) -> None:
    path = write("sites.csv", SITES)
    mobility = "users: {mobility: {model: fixed}}\n"
    assert parse_offload(HEAD + mobility + f"servers: {{edge: {{sites: {path}}}}}").servers.edge.count == (3, 3)
    counted = parse_offload(HEAD + mobility + f"servers: {{edge: {{sites: {path}, count: [1, 2]}}}}")
    assert counted.servers.edge.count == (1, 2)
    context = {"users.mobility.model": "fixed", "servers.edge.sites": path}
    assert with_context(offload_scenario("gmorl"), context).servers.edge.count == (3, 3)
    assert with_context(offload_scenario("gmorl"), {**context, "edges": "2"}).servers.edge.count == (2, 2)
    assert with_context(counted, {"servers.edge.sites": "null"}).servers.edge.count == (1, 2)
    assert Edge(sites=path).count == CountRange(3, 3)


MOBILE = "users: {count: 2, mobility: {model: trace, file: walks.csv}}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "servers: {edge: {sites: sites.csv}}",
            "f.yaml:3: servers.edge.sites: sites have no distances to users without positions, "
            "expected users.mobility.model: fixed, waypoint or trace",
        ),
        (
            "users: {mobility: {model: fixed}}\nservers: {edge: {sites: sites.csv, count: [1, 4]}}",
            "f.yaml:4: servers.edge.count: expected at most 3, as many as there are sites, got 4",
        ),
        (
            "users: {mobility: {model: fixed}}\nservers: {edge: {sites: no.csv}}",
            "f.yaml:4: servers.edge.sites: FOLDER/no.csv: cannot be read: No such file or directory, "
            "expected a CSV file",
        ),
        (
            "tasks:\n  trace:\n    file: bad.csv",
            "f.yaml:5: tasks.trace.file: FOLDER/bad.csv:3: user: expected the number of a user, from 0, got 'x'",
        ),
        (
            "users: {count: 9}\ntasks: {trace: {file: tasks.csv}}",
            "f.yaml:4: tasks.trace.file: FOLDER/tasks.csv:4: user: expected a number from 0 to 8, as users.count is 9",
        ),
        ("tasks: {trace: {file: 3}}", "f.yaml:3: tasks.trace.file: expected the path of a CSV file, got 3"),
        (
            "users: {mobility: {model: trace}}",
            "f.yaml:3: users.mobility.file: missing, expected the CSV file of the trace",
        ),
        (
            "users: {count: 2, mobility: {model: fixed, file: walks.csv}}",
            "f.yaml:3: users.mobility.file: has no meaning here, expected model: trace or the default",
        ),
        (
            "users: {count: 3, mobility: {model: trace, file: walks.csv}}",
            "f.yaml:3: users.mobility.file: user 2 has no position, expected one for each user",
        ),
        (
            MOBILE + "servers: {edge: {sites: degrees.csv}}",
            "f.yaml:3: users.mobility.file: other coordinates than servers.edge.sites, "
            "expected both in metres (x_m,y_m) or both in degrees (latitude,longitude)",
        ),
        (
            "episode: {step: 1e-12 s}\ntasks: {trace: {file: late.csv}}",
            "f.yaml:3: episode.step: the trace would have more than 1e+15 steps, expected a longer step",
        ),
        (
            "tasks: {deadline: 3 s, trace: {file: urgent.csv}}",
            "f.yaml:3: tasks.deadline: has no meaning, as the trace has deadlines, expected null",
        ),
        (
            "tasks: {priorities: [0.5, 0.5], trace: {file: urgent.csv}}",
            "f.yaml:3: tasks.priorities: have no meaning, as the trace has priorities, expected none",
        ),
        (
            "dispatch: {queue: edf}\ntasks: {trace: {file: tasks.csv}}",
            "f.yaml:3: dispatch.queue: edf needs deadlines, "
            "expected tasks.deadline, a trace with deadline_s, or another queue",
        ),
        (
            "dispatch: {queue: priority}",
            "f.yaml:3: dispatch.queue: all tasks are of one class, "
            "expected tasks.priorities of two classes or more, or a trace with priority",
        ),
        (
            "servers: {scheduling: priority}",
            "f.yaml:3: servers.scheduling: all tasks are of one class, "
            "expected tasks.priorities of two classes or more, or a trace with priority",
        ),
    ],
)
def test_checks_across_keys_and_files(write: Write, tmp_path: Path, text: str, problem: str) -> None:
    write("sites.csv", SITES)
    write("tasks.csv", TASKS)
    write("walks.csv", WALKS)
    write("degrees.csv", "latitude,longitude\n1,1\n")
    write("bad.csv", "time_s,user,size_bit\n1,1,1\n1,x,1\n")
    write("urgent.csv", "time_s,user,size_bit,deadline_s,priority\n1,1,1,1,1\n")
    write("late.csv", "time_s,user,size_bit\n1e6,1,1\n")
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(HEAD + text, "f.yaml", tmp_path)
    problem = problem.replace("FOLDER", str(tmp_path))
    assert caught.value.problems == [problem]


def test_a_trace_makes_queues_possible(write: Write) -> None:
    path = write("t.csv", "time_s,user,size_bit,deadline_s,priority\n1,1,1,1,1\n")
    for queue in ("edf", "priority"):
        text = f"dispatch: {{queue: {queue}}}\nservers: {{scheduling: priority}}\ntasks: {{trace: {{file: {path}}}}}"
        scenario = parse_offload(HEAD + text)
        assert (scenario.has_deadlines, scenario.priority_classes) == (True, 2)


def recorded(write: Write, times_s: list[float], **episode: float) -> OffloadScenario:
    path = write("t.csv", "time_s,user,size_bit\n" + "".join(f"{time!r},0,1e6\n" for time in times_s))
    text = ", ".join(f"{key}: {value}" for key, value in episode.items())
    return parse_offload(HEAD + f"episode: {{{text}}}\ntasks: {{trace: {{file: {path}}}}}")


def test_memory_follows_the_fullest_window(write: Write) -> None:
    times_s = [1.0, 2.0, 12.0, 13.0, 14.0, 21.0]
    scenario = recorded(write, times_s, steps=10)
    assert scenario.expected_arrivals == 3
    assert with_context(scenario, {"tasks.trace.start": "random"}).expected_arrivals == 4  # 12 to 21
    static, moving = scenario.tape_byte, with_context(scenario, {"channel.fading": "step"}).tape_byte
    assert moving - static == pytest.approx(3 * 9 * 96)


def test_a_trace_needs_no_arrival_rate(write: Write) -> None:
    scenario = recorded(write, [1.0], steps=5)
    assert scenario.expected_arrivals == 1
    with pytest.raises(ScenarioError, match=r"users\.arrival_rate: has no meaning here, expected tasks\.trace\.file"):
        with_context(scenario, {"users.arrival_rate": "0 /s"})


def test_steps_of_tasks(write: Write) -> None:
    """A task of (t − Δt, t] arrives at t; multiples of Δt are meant as such, whatever floats make of them."""
    step_s = 0.1
    times_s = [0.0, 1e-9, 0.1, 0.1 + 1e-9, *(round(0.1 * k, 1) for k in range(2, 3000))]
    trace = read_tasks(write("t.csv", "time_s,user,size_bit\n" + "".join(f"{time!r},0,1\n" for time in times_s)))
    assert steps_of(trace, step_s).tolist() == [0, 1, 1, 2, *range(2, 3000)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 300), min_size=1, max_size=40), st.integers(1, 40))
def test_the_fullest_window(tmp_path_factory: pytest.TempPathFactory, times_s: list[float], steps: int) -> None:
    path = tmp_path_factory.mktemp("trace") / "t.csv"
    path.write_text("time_s,user,size_bit\n" + "".join(f"{time!r},0,1\n" for time in times_s))
    trace = read_tasks(str(path))
    at = steps_of(trace, 1.0)
    aligned = max(sum(start <= step < start + steps for step in at) for start in range(0, 301, steps))
    anywhere = max(sum(start <= step < start + steps for step in at) for start in range(301))
    assert most_in_window(trace, 1.0, steps, True) == aligned
    assert most_in_window(trace, 1.0, steps, False) == anywhere


def test_python_builds_them_too(write: Write) -> None:
    scenario = OffloadScenario(
        mecsim=1,
        kind="offload",
        users=Users(count=2, mobility=Mobility(model="trace", file=write("m.csv", WALKS))),
        tasks=Tasks(trace=Trace(file=write("t.csv", "time_s,user,size_bit\n1,1,1\n"))),
    )
    assert scenario.mobility_trace is not None
    assert scenario.task_trace is not None
    assert scenario.users_move
    assert scenario.link_per_task


MAPPED = """tasks:
  trace:
    file: {tasks}
    columns: {{time_s: When, user: {{column: Who, ids: true}}, size_bit: {{column: Bytes, unit: B}}}}
    separator: ;
    decimal: ","
    {origin}
users:
  count: 2
  mobility: {{model: trace, file: {walks}, columns: {{time_s: When, user: {{column: Who, ids: true}}}}, {walk_origin}}}
"""
DATED_TASKS = "When;Who;Bytes\n2024-01-01 10:00:05,5;b;1,5\n2024-01-01 10:00:01;a;2\n"
DATED_WALKS = "When,Who,x_m,y_m\n2024-01-01 10:00:00,a,0,0\n2024-01-01 10:00:00,b,5,5\n"
ORIGIN = "origin: 2024-01-01 10:00"


def test_a_scenario_maps_the_columns_of_its_files(write: Write) -> None:
    files = {"tasks": write("t.csv", DATED_TASKS), "walks": write("w.csv", DATED_WALKS)}
    scenario = parse_offload(HEAD + MAPPED.format(**files, origin=ORIGIN, walk_origin=ORIGIN))
    trace = scenario.task_trace
    assert trace is not None
    assert (trace.time_s.tolist(), trace.user.tolist()) == ([1.0, 5.5], [0, 1])
    assert trace.size_bit.tolist() == [16.0, 12.0]
    assert scenario.mobility_trace is not None
    assert parse_scenario(scenario_to_yaml(scenario)) == scenario
    changed = with_context(scenario, {"tasks.trace.columns": "{time_s: When, user: {value: 0}, size_bit: Bytes}"})
    assert changed.task_trace is not None
    assert changed.task_trace.size_bit.tolist() == [2.0, 1.5]


def test_two_files_of_dates_need_one_origin(write: Write) -> None:
    files = {"tasks": write("t.csv", DATED_TASKS), "walks": write("w.csv", DATED_WALKS)}
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(HEAD + MAPPED.format(**files, origin="", walk_origin=""))
    told = "missing, expected the date and time of second 0, as tasks and positions have one clock"
    assert [problem.split(": ", 1)[1] for problem in caught.value.problems] == [
        f"tasks.trace.origin: {told}", f"users.mobility.origin: {told}"
    ]  # fmt: skip


def test_a_map_of_unknown_columns_or_of_no_file(write: Write) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(
            HEAD + f"tasks: {{trace: {{file: {write('t.csv', TASKS)}, columns: {{tim_s: time_s}}}}}}\n"
            "servers: {edge: {count: 2, separator: ;}}\n"
        )
    assert [problem.split(": ", 1)[1] for problem in caught.value.problems] == [
        "tasks.trace.columns.tim_s: unknown column, did you mean 'time_s'?",
        "servers.edge.separator: has no meaning here, expected a file or the default",
    ]


def test_sites_with_other_names_have_an_edge_each(write: Write) -> None:
    sites = write("s.csv", "# masts\n# NAME,north,east\nA,1,200\nB,-3,4\n")
    scenario = parse_offload(
        HEAD + f"users: {{mobility: {{model: fixed}}}}\nservers: {{edge: {{sites: {sites}, "
        "columns: {name: NAME, x_m: {column: east, unit: km}, y_m: north}}}\n"
    )
    assert scenario.servers.edge_count == CountRange(2, 2)
    assert scenario.sites is not None
    assert scenario.sites.values.tolist() == [[200_000.0, 1.0], [4000.0, -3.0]]
    assert scenario.own_sites is not None
    assert scenario.own_sites.names == ("A", "B")


def test_places_beyond_the_area_are_told_refused_or_put_on_its_border(write: Write) -> None:
    sites, walks = (
        write("s.csv", "x_m,y_m\n10,20\n1500,-40\n"),
        write("w.csv", "user,time_s,x_m,y_m\n0,0,1,2\n0,1,9,1001.5\n"),
    )
    text = (
        HEAD
        + f"users: {{count: 1, mobility: {{model: trace, file: {walks}}}}}\nservers: {{edge: {{sites: {sites}}}}}\n"
    )
    scenario = parse_offload(text)
    assert scenario.remarks() == [
        f"{key}: 1 of 2 {noun} lie outside the area of 1000 by 1000 m, up to {far} m; "
        "enlarge users.mobility.width and height, or set users.mobility.outside"
        for key, noun, far in [("servers.edge.sites", "sites", 500), ("users.mobility.file", "recorded positions", 2)]
    ]
    with pytest.raises(
        ScenarioError, match=r"1 of 2 sites lie outside .* expected none, a larger users.mobility.width"
    ):
        with_context(scenario, {"users.mobility.outside": "refuse"})
    clipped = with_context(scenario, {"users.mobility.outside": "clip"})
    assert clipped.remarks() == []
    assert clipped.sites is not None
    assert clipped.mobility_trace is not None
    assert plane_m(clipped, clipped.sites).tolist() == [[10.0, 20.0], [1000.0, 0.0]]
    assert plane_m(clipped, clipped.mobility_trace.positions).tolist() == [[1.0, 2.0], [9.0, 1000.0]]
    assert plane_m(scenario, scenario.sites or clipped.sites).tolist() == [[10.0, 20.0], [1500.0, -40.0]]
    large = with_context(scenario, {"users.mobility.width": "2 km", "users.mobility.height": "2 km",
                                    "servers.edge.sites": "null", "servers.edge.count": "2"})  # fmt: skip
    assert large.remarks() == []
