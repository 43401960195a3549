"""mecsim import: small files of each format, what is made of them, and what is told of what was dropped."""

import csv
import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, Said

DATA = Path(__file__).parents[3] / "shared" / "data"
TRKPT = '<trkpt lat="{}" lon="{}"><ele>3</ele>{}</trkpt>'
STAMP = "<time>2024-05-01T10:00:{:02d}Z</time>"
FILES: dict[str, dict[str, str]] = {
    "sites": {
        "sites.csv": "# masts\n".replace("# masts\n", "")
        + "SITE_ID,LATITUDE,LONGITUDE,NAME\r\nA,-37.80,144.90,x\r\nB,-37.81,144.91,y\r\nB,-37.81,144.91,y\r\n"
        "C,-37.81,144.91,z\r\nfar,51.5,-0.1,London\r\nD,,144.9,none\r\n"
    },
    "geojson": {"points.geojson": json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": properties, "geometry": geometry}
        for properties, geometry in (
            ({"name": "one"}, {"type": "Point", "coordinates": [8.5, 47.4]}),
            (None, {"type": "MultiPoint", "coordinates": [[8.51, 47.4], [8.5, 47.4, 400]]}),
            ({}, {"type": "LineString", "coordinates": [[8, 47], [9, 48]]}),
            ({}, {"type": "Point", "coordinates": [None, 47]}),
            ({}, None),
        )
    ]})},
    "walks": {
        "bus.csv": '"id","vehicle_id","timestamp","latitude","longitude"\n1,"b","2026-01-26 15:57:02",53.44451,-2.925\n'
        '2,"b","2026-01-26 15:57:22",53.44551,-2.925\n3,"a","2026-01-26 15:57:12",53.4450,-2.926\n'
        '4,"a","2026-01-26 15:57:12",53.4460,-2.926\n4,"a","2026-01-26 15:57:12",53.4460,-2.926\n5,"a",soon,53,-2\n'
        '6,"a","2026-01-26 15:58:12",0,0\n'
    },
    "gpx": {
        "run.gpx": '<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1"><trk><trkseg>'
        + TRKPT.format(52.1, 4.3, STAMP.format(5)) + TRKPT.format(52.101, 4.3, STAMP.format(25))
        + TRKPT.format(52.102, 4.3, "") + "</trkseg></trk><trk><trkseg>" + TRKPT.format(52.1, 4.301, STAMP.format(50))
        + "</trkseg></trk></gpx>"
    },
    "geolife": {
        "walks.csv": "X;Y;t;trajectory_id\n116.32;39.98;2008-12-11 04:42:14+00;1\n"
        "116.33;39.98;2008-12-11 04:42:34+00;1\n116.32;39.99;2009-06-29 07:02:25+00;2\n"
        "116.32;39.99;2009-06-29 07:02:25+00;2\n"
    },
    "sumo-fcd": {
        "fcd.xml": '<?xml version="1.0"?><fcd-export><timestep time="0.00"><vehicle id="v1" x="10" y="20" speed="1"/>'
        '</timestep><timestep time="1.00"><vehicle id="v1" x="12" y="20"/><person id="p" x="500.5" y="90"/>'
        '<vehicle id="v2" x="much" y="1"/></timestep><timestep time="-1"><vehicle id="v1" x="1" y="1"/></timestep>'
        "</fcd-export>"
    },
    "azure-llm": {
        "code.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n"
        "2023-11-16 18:17:04.0319600,3180,8\r\n2023-11-16 18:17:04.0319600,3180,8\r\n2023-11-16 18:17:05.0,0,3\r\n"
        "2023-11-16 18:17:06.0,10,\r\n"
    },
    "alibaba-genai": {
        "requests.csv": "gmt_create,groupId,exec_time_seconds,status\n2025-01-01 10:00:05,g2,4.5,SUCCESS\n"
        "2025-01-01 10:00:01,g1,1.5,SUCCESS\n2025-01-01 10:00:02,g1,9,FAILED\n2025-01-01 10:00:01,g1,1.5,SUCCESS\n"
        "2025-01-01 10:00:09,g1,0,SUCCESS\n"
    },
    "topo4mec": {
        "testset.csv": "TaskName,GenerationTime,TaskID,TaskSize,CyclesPerBit,TransBitRate,DDL,SrcName\n"
        "t0,0.0,0,27,865,30,67,n1\nt1,1.0,1,23,568,10,73,n0\nt2,-1.0,2,23,568,10,73,n0\n",
        "config.json": json.dumps({"Nodes": [{"NodeName": f"n{number}", "MaxCpuFreq": 1500} for number in range(2)],
                                   "Edges": [{"SrcNodeID": 0, "DstNodeID": 1, "Bandwidth": 1000.0}]}),
    },
    "pakistan-tuples": {
        "tuples.csv": "TaskName,GenerationTime,TaskID,TaskSize,CyclesPerBit,TransBitRate,DDL,DataType,DeviceType\n"
        "t0,0.0,0,270,1000.0,100,30,Bulk,Mobile\nt1,0.41,1,80,50.0,20,89,SmallTextual,Sensor\n",
        "config.json": json.dumps({"Nodes": [{"NodeName": "e0", "DeviceType": "Edge", "MaxCpuFreq": 10000},
                                             {"NodeName": "c0", "DeviceType": "Cloud", "MaxCpuFreq": 500000}]}),
    },
}  # fmt: skip
TWICE, UNREADABLE = "a row that is there twice", "a value that cannot be read"
OUTLIER = "an outlier, further than 50 km from the median place"
DROPPED: dict[str, dict[str, int]] = {
    "sites": {TWICE: 1, "a second site at the same place": 1, OUTLIER: 1, UNREADABLE: 1},
    "geojson": {"a second site at the same place": 1, "no point but another geometry": 2, UNREADABLE: 1},
    "walks": {TWICE: 1, "another position of the user at the same time": 1, UNREADABLE: 1, OUTLIER: 1},
    "gpx": {"a point without a time": 1},
    "geolife": {TWICE: 1},
    "sumo-fcd": {UNREADABLE: 1, "a negative time": 1},
    "azure-llm": {TWICE: 1, "a size of 0 or less": 1, UNREADABLE: 1},
    "alibaba-genai": {"a request that failed": 1, TWICE: 1, "work of 0 or less": 1},
    "topo4mec": {"a negative time": 1},
    "pakistan-tuples": {},
}
TABLES: dict[str, dict[str, list[list[str]]]] = {
    "sumo-fcd": {"walks.csv": [["0", "1", "490.75", "85"], ["1", "0", "0.25", "15"], ["1", "1", "2.25", "15"]]},
    "azure-llm": {"tasks.csv": [["0", "0", "153856", "5.808e9", "320"], ["0.052", "0", "101760", "3.98e9", "256"]]},
    "alibaba-genai": {"tasks.csv": [["0", "0", "8000", "3e9"], ["4", "1", "8000", "9e9"]]},
    "topo4mec": {"tasks.csv": [["0", "1", "2.7e7", "67", "2.3355e10"], ["1", "0", "2.3e7", "73", "1.3064e10"]]},
    "pakistan-tuples": {"tasks.csv": [["0", "0", "2.7e8", "30", "2.7e11"], ["0.41", "1", "8e7", "89", "4e9"]]},
}


def written(folder: Path, kind: str) -> list[Path]:
    paths = [folder / name for name in FILES[kind]]
    for path in paths:
        path.write_bytes(FILES[kind][path.name].encode())
    return paths


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def imported(mecsim: Command, kind: str, paths: list[Path], out: Path, *further: object) -> tuple[Said, dict[str, Any]]:
    said = mecsim("import", kind, *paths, "--out", out, *further)
    assert said.code == 0, said.err
    return said, json.loads((out / "import.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", list(FILES))
def test_each_format_becomes_a_scenario_that_runs(mecsim: Command, tmp_path: Path, kind: str) -> None:
    said, report = imported(mecsim, kind, written(tmp_path, kind), tmp_path / "out")
    assert {one["reason"]: one["rows"] for one in report["dropped"]} == DROPPED[kind]
    table = next(name for name in report["tables"] if name != "users.csv")
    assert report["rows"] == report["kept"][table] + sum(DROPPED[kind].values())
    assert len(rows_of(tmp_path / "out" / table)) == report["kept"][table]
    assert all(reason in said.out for reason in DROPPED[kind])
    for name, rows in TABLES.get(kind, {}).items():
        numbers = [[float(value) for value in row] for row in rows_of(tmp_path / "out" / name)]
        assert numbers == [[float(value) for value in row] for row in rows]
    scenario = tmp_path / "out" / "scenario.yaml"
    assert mecsim("validate", scenario).out == f"{scenario}: valid\n"
    played = mecsim("simulate", scenario, "--episodes", 2, "--num-threads", 1, "--json")
    assert played.code == 0, played.err


@pytest.mark.parametrize("kind", ["sites", "gpx", "topo4mec"])
def test_an_import_can_be_swept(mecsim: Command, tmp_path: Path, kind: str) -> None:
    """One of sites, one of walks, one of tasks."""
    imported(mecsim, kind, written(tmp_path, kind), tmp_path / "out")
    said = mecsim("sweep", "greedy", "random", "--scenario", tmp_path / "out" / "scenario.yaml", "--preferences", 2,
                  "--episodes", 2, "--out", tmp_path / "front", "--num-threads", 1)  # fmt: skip
    assert said.code == 0, said.err
    assert (tmp_path / "front" / "front.csv").is_file()
    assert (tmp_path / "front" / "data").is_dir()


def test_distances_are_those_on_the_globe(mecsim: Command, tmp_path: Path) -> None:
    """Of the haversine formula; the corner of the area is its south-west."""
    imported(mecsim, "sites", written(tmp_path, "sites"), tmp_path / "out")
    (_, *first), (_, *second) = rows_of(tmp_path / "out" / "sites.csv")
    lower, upper = math.radians(-37.81), math.radians(-37.80)
    half = math.sin((upper - lower) / 2) ** 2 + math.cos(lower) * math.cos(upper) * math.sin(math.radians(0.005)) ** 2
    far_m = 2 * 6_371_008.8 * math.asin(math.sqrt(half))
    places = [[float(value) for value in place] for place in (first, second)]
    assert math.dist(*places) == pytest.approx(far_m, rel=1e-4)
    assert places[0][0] < places[1][0]
    assert places[0][1] > places[1][1]


def test_longitude_comes_first_in_geojson(mecsim: Command, tmp_path: Path) -> None:
    _, report = imported(mecsim, "geojson", written(tmp_path, "geojson"), tmp_path / "out")
    ends = [report["area"][f"{name}_degree"] for name in ("west", "south", "east", "north")]
    assert ends == pytest.approx([8.5, 47.4, 8.51, 47.4], abs=1e-3)


def test_walks_of_other_days_begin_together_and_those_of_one_day_do_not(mecsim: Command, tmp_path: Path) -> None:
    _, report = imported(mecsim, "geolife", written(tmp_path, "geolife"), tmp_path / "apart")
    assert [row[:2] for row in rows_of(tmp_path / "apart" / "walks.csv")] == [["0", "0.0"], ["0", "20.0"], ["1", "0.0"]]
    assert report["second_0"] is None
    _, report = imported(mecsim, "walks", written(tmp_path, "walks"), tmp_path / "together")
    assert [row[:2] for row in rows_of(tmp_path / "together" / "walks.csv")] == [
        ["0", "10.0"], ["1", "0.0"], ["1", "20.0"]
    ]  # fmt: skip
    assert report["second_0"] == "2026-01-26T15:57:02Z"
    assert rows_of(tmp_path / "together" / "users.csv") == [["0", "a"], ["1", "b"]]


def test_places_beyond_the_area_are_refused_left_out_or_put_on_its_border(mecsim: Command, tmp_path: Path) -> None:
    (path,) = written(tmp_path, "sumo-fcd")
    area = ("--area", "0,0,100,100")
    refused = mecsim("import", "sumo-fcd", path, "--out", tmp_path / "no", *area)
    cure = "enlarge it, or choose --outside drop (left out) or clip (put on its border)"
    assert (refused.code, refused.err) == (2, f"mecsim: --area: 1 of 3 positions lie outside; {cure}\n")
    assert not (tmp_path / "no").exists()
    _, report = imported(mecsim, "sumo-fcd", [path], tmp_path / "drop", *area, "--outside", "drop")
    assert (report["kept"], report["clipped"]) == ({"walks.csv": 2}, 0)
    assert {one["reason"]: one["rows"] for one in report["dropped"]}["a place outside the area"] == 1
    _, report = imported(mecsim, "sumo-fcd", [path], tmp_path / "clip", *area, "--outside", "clip")
    assert (report["kept"], report["clipped"]) == ({"walks.csv": 3}, 1)
    assert rows_of(tmp_path / "clip" / "walks.csv")[0] == ["0", "1.0", "100.0", "90.0"]
    assert report["area"]["width_m"] == 100.0


def test_walks_without_times_a_file_each(mecsim: Command, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / f"{name}.csv").write_text("# east,north\n1,2\n3,4\n3,4\n", encoding="utf-8")
    paths = [tmp_path / "ann.csv", tmp_path / "bob.csv"]
    said = mecsim("import", "walks", *paths, "--out", tmp_path / "out")
    assert said.code == 2
    assert "no column of times; name one with --column, or say how far apart positions are" in said.err
    imported(mecsim, "walks", paths, tmp_path / "out", "--every", "5 s")
    rows = rows_of(tmp_path / "out" / "walks.csv")
    assert [row[:2] for row in rows] == [[user, time] for user in "01" for time in ("0.0", "5.0", "10.0")]
    assert rows_of(tmp_path / "out" / "users.csv") == [["0", "ann"], ["1", "bob"]]


def test_opencellid_without_a_header(mecsim: Command, tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    cells = ["GSM,262,2,801,86355,0,13.2858,52.5226,1000,7,1,1282569574,1300155341,0",
             "LTE,262,2,801,1795,0,13.2767,52.5257,5716,9,1,1282569574,1300155341,0"]  # fmt: skip
    path.write_text("\n".join(cells) + "\n", encoding="utf-8")
    imported(mecsim, "sites", [path], tmp_path / "out")
    assert [row[0] for row in rows_of(tmp_path / "out" / "sites.csv")] == ["262-2-801-86355", "262-2-801-1795"]


def test_columns_may_be_named_and_files_packed(mecsim: Command, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("Wer;Wann;B;L\nx;3;47.1;8.1\n", encoding="utf-8")
    said = mecsim("import", "walks", path, "--out", tmp_path / "out")
    cure = "the file has Wer, Wann, B, L; name it with --column OURS=THEIRS"
    assert said.err == f"mecsim: {path}: no column for longitude; {cure}\n"
    named = [word for pair in ("user=Wer", "time_s=Wann", "latitude=B", "longitude=L") for word in ("--column", pair)]
    imported(mecsim, "walks", [path], tmp_path / "out", *named)
    (fcd,) = written(tmp_path, "sumo-fcd")
    packed = tmp_path / "fcd.xml.gz"
    packed.write_bytes(gzip.compress(fcd.read_bytes()))
    _, report = imported(mecsim, "sumo-fcd", [packed], tmp_path / "packed")
    assert report["rows"] == 5


@pytest.mark.parametrize(
    ("kind", "name", "text", "told"),
    [
        ("sumo-fcd", "a.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><fcd-export>&b;</fcd-export>", "declares a document type"),
        ("sumo-fcd", "a.xml", "<gpx/>", "is no fcd-output of SUMO, expected an element fcd-export"),
        ("sumo-fcd", "a.xml", "no", "is no XML: "),
        ("sumo-fcd", "a.xml.gz", "no", "cannot be unpacked"),
        ("sumo-fcd", "a.xml", "<fcd-export/>", "nothing is left of the places, as the files hold none"),
        ("gpx", "a.gpx", "<kml/>", "is no GPX"),
        ("geojson", "a.json", "{", "is no JSON"),
        ("geojson", "a.json", "[]", "is no GeoJSON"),
        ("geojson", "a.json", '{"type": "FeatureCollection", "features": 5}', "as the files hold none"),
        ("geojson", "a.json", f'{{"type": "Point", "coordinates": [{10**400}, 1]}}', "a value that cannot be read"),
        ("geojson", "a.json", '{"type": "Feature", "properties": 3, "geometry": [1]}', "no point but another geometry"),
        ("sites", "a.csv", "", "no column for longitude; the file has none"),
        (
            "sites",
            "a.csv",
            "lat,lon\nx,y\n",
            "nothing is left of the places (1 rows dropped: a value that cannot be read)",
        ),
        ("azure-llm", "a.csv", "a,b\n1,2\n", "no column for time_s; the file has a, b"),
        ("topo4mec", "a.json", "{}", "expected the tasks, a CSV file, and at most one JSON file of nodes"),
        ("walks", "a.csv", "user,t,x,y\n1,1.7e12,1,1\n", "times of about 1.7e+12 s; are they milliseconds?"),
        ("walks", "a.csv", "user,t,x,y\n1,-5,1,1\n", "nothing is left of the places (1 rows dropped: a negative time)"),
    ],
)
def test_other_files_are_refused_in_a_line(
    mecsim: Command, tmp_path: Path, kind: str, name: str, text: str, told: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    said = mecsim("import", kind, tmp_path / name, "--out", tmp_path / "out")
    assert said.code == 2
    assert told in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_wrong_words(mecsim: Command, tmp_path: Path) -> None:
    (path,) = written(tmp_path, "sites")
    out = ("--out", tmp_path / "out")
    for arguments, told in (
        (("import",), "expected KIND FILE... --out FOLDER; mecsim import --list tells the kinds"),
        (("import", "site", path, *out), "no kind of data is called 'site', did you mean 'sites'?"),
        (("import", "sites", tmp_path / "none.csv", *out), "none.csv: no such file"),
        (("import", "sites", tmp_path, *out), "is no file"),
        (("import", "sites", path, *out, "--area", "1,2,3"), "--area 1,2,3: expected WEST,SOUTH,EAST,NORTH"),
        (("import", "sites", path, *out, "--area", "3,2,1,4"), "--area 3,2,1,4: expected WEST,SOUTH,EAST,NORTH"),
        (("import", "sites", path, *out, "--within", "5"), "--within: expected a distance such as"),
        (("import", "sites", path, *out, "--column", "lat=x"), "--column lat: expected one of latitude, longitude"),
        (("import", "sites", path, *out, "--column", "latitude=x"), "no column 'x' for latitude; the file has SITE_ID"),
    ):
        said = mecsim(*arguments)
        assert (said.code, told in said.err) == (2, True), said.err


def test_nodes_that_cannot_be(mecsim: Command, tmp_path: Path) -> None:
    table, config = written(tmp_path, "topo4mec")
    for text, told in (
        ('{"Nodes": 3}', "names no nodes, expected a list of Nodes"),
        ('{"Nodes": [{"NodeName": "a"}]}', "node 0 has no speed, expected a MaxCpuFreq in MHz"),
        (json.dumps({"Nodes": 65 * [{"NodeName": "a", "MaxCpuFreq": 1}]}), "name 65 servers, expected at most 64"),
    ):
        config.write_text(text, encoding="utf-8")
        said = mecsim("import", "topo4mec", table, config, "--out", tmp_path / "out")
        assert (said.code, told in said.err) == (2, True), said.err


def test_a_second_import_needs_force(mecsim: Command, tmp_path: Path) -> None:
    paths = written(tmp_path, "walks")
    imported(mecsim, "walks", paths, tmp_path / "out")
    assert "is not empty" in mecsim("import", "walks", *paths, "--out", tmp_path / "out").err
    imported(mecsim, "sites", written(tmp_path, "sites"), tmp_path / "out", "--force")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["import.json", "scenario.yaml", "sites.csv"]


def test_the_kinds_are_listed(mecsim: Command) -> None:
    assert {one["kind"] for one in mecsim("import", "--list", "--json").content} == set(FILES)
    assert all(kind in mecsim("import", "--list").out for kind in FILES)


SAMPLES = {
    "azure-llm-2023/AzureLLMInferenceTrace_code.csv": "azure-llm",
    "azure-llm-2023/AzureLLMInferenceTrace_conv.csv": "azure-llm",
    "eua-melbourne/site-optus-melbCBD.csv": "sites",
    "eua-melbourne/users-melbcbd-generated.csv": "sites",
    "bus-route/liverpool_route14_outbound.csv": "walks",
    "sumo-trento/fcd.xml": "sumo-fcd",
    "topo4mec-milan/MilanCityCenter-testset.csv": "topo4mec",
    "pakistan-tuples/Tuple30K-first3000.csv": "pakistan-tuples",
}


@pytest.mark.parametrize("sample", list(SAMPLES))
def test_samples_of_public_data(mecsim: Command, tmp_path: Path, sample: str) -> None:
    """What is kept and dropped, as a reading line by line counts it."""
    path = DATA / sample
    if not path.is_file():
        pytest.skip("the sample is not there")
    kind, text = SAMPLES[sample], path.read_text(encoding="utf-8-sig")
    _, report = imported(mecsim, kind, [path, *path.parent.glob("*config.json")], tmp_path / "out")
    if kind == "sumo-fcd":
        expected, twice = text.count("<vehicle id"), 0
    else:
        lines = text.splitlines()[1:]
        expected, twice = len(set(lines)), len(lines) - len(set(lines))
    assert sum(report["kept"].values()) == expected
    assert {one["reason"]: one["rows"] for one in report["dropped"]} == ({TWICE: twice} if twice else {})
    scenario = tmp_path / "out" / "scenario.yaml"
    assert mecsim("simulate", scenario, "--episodes", 1, "--num-threads", 1, "--json").code == 0
