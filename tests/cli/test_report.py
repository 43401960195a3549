"""`mecsim report`: the page by itself, and in a browser where there is one."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mecsim.report.page.content import page_content, thinned
from mecsim.report.page.episodes import play_timelines, spread_preferences
from mecsim.report.page.html import page_html
from mecsim.sweep import preference_grid, read_sweep
from tests.chromium import CHROMIUM, Chromium
from tests.training.small import scenario_file, small_scenario

from .conftest import Command, called

HOSTILE = '</script><script>window.broken = 1</script><img src="https://example.org/x.png" onerror="window.broken = 1">'
PHONE, SCREEN = (390, 844), (1200, 900)


class Page(HTMLParser):
    """What a browser finds: elements, and the texts of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.elements[-1] if self.elements else ("", {})
        self.texts.append((f"{tag} {attributes.get('type') or ''}".strip(), data))

    def of(self, kind: str) -> list[str]:
        return [text for found, text in self.texts if found == kind and text.strip()]

    @property
    def data(self) -> Any:
        return json.loads(self.of("script application/json")[0])


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, finished: Path) -> Path:
    """Finished sweeps: `two` of a run and others, whose texts are hostile, `three` objectives, `cells` with places."""
    folder = tmp_path_factory.mktemp("swept")
    run = folder / "a<b>&'run"
    shutil.copytree(finished, run)
    two = scenario_file(folder, small_scenario(description=HOSTILE))
    called("sweep", run, "greedy", "random", "--scenario", two, "--preferences", 15, "--episodes", 4,
           "--out", folder / "two")  # fmt: skip
    content = yaml.safe_load(two.read_text())
    content |= {"satisfaction": {"form": "zone"}, "objectives": ["delay", "energy", "satisfaction"], "evaluation": {}}
    content["users"]["mobility"] = {"model": "waypoint"}
    (folder / "three.yaml").write_text(yaml.safe_dump(content))
    called("sweep", "greedy", "random", "--scenario", folder / "three.yaml", "--preferences", 10, "--episodes", 3,
           "--out", folder / "three")  # fmt: skip
    called("sweep", "greedy", "--scenario", "personalized-quick", "--preferences", 5, "--episodes", 2,
           "--out", folder / "cells")  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def pages(swept: Path) -> dict[str, Path]:
    """A page of each."""
    found = {}
    for name in ("two", "three", "cells"):
        found[name] = swept / f"{name}.html"
        called("report", swept / name, "--out", found[name])
    return found


def test_the_page_holds_what_the_sweep_found(swept: Path, pages: dict[str, Path]) -> None:
    data, sweep = Page(pages["two"].read_text()).data, read_sweep(swept / "two")
    assert [target["label"] for target in data["targets"]] == ["a<b>&'run", "greedy", "random"]
    for target, front in zip(data["targets"], sweep.fronts, strict=True):
        np.testing.assert_allclose(target["preferences"], front.preferences, rtol=1e-4)
        np.testing.assert_allclose(target["mean"], front.mean, rtol=1e-4)
        np.testing.assert_allclose(target["ci95"], front.ci95, rtol=1e-4)
        shares = np.array(target["options"]["values"]["share"])
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-4)
        told = {one["label"]: one["value"] for one in target["quantities"]}
        np.testing.assert_allclose(told["total delay (s)"], front.mean[:, 0], rtol=1e-4)
        assert "95% quantile: delay of a task (s)" in told
        assert len(target["timelines"]) == 11
    assert {curve["metric"] for curve in data["targets"][0]["learning"]} >= {"hypervolume", "mean_cost", "return_delay"}
    assert data["targets"][1]["learning"] == []
    assert data["sweeps"][0]["provenance"]["versions"]["mecsim"]
    assert yaml.safe_load(data["sweeps"][0]["scenario"])["kind"] == "offload"


def test_an_episode_is_the_one_that_the_sweep_played(swept: Path) -> None:
    sweep = read_sweep(swept / "two")
    for front in sweep.fronts[:2]:  # a random policy acts otherwise beside other episodes
        indices = spread_preferences(front.preferences)
        done: list[int] = []
        shown = play_timelines(front, sweep.scenario, sweep.seed, indices, done.append)
        assert sum(done) == len(indices)
        for index, timeline in zip(indices, shown, strict=True):
            on_servers: Any = next(
                part for part in timeline.parts if part.title == "Tasks on servers, uploads included"
            )
            delay_s = (on_servers.values * np.diff(on_servers.edges_s)).sum()
            assert delay_s == pytest.approx(front.totals[index, 0, 0], rel=1e-6)


@pytest.mark.parametrize(("objectives", "count"), [(2, 101), (2, 3), (3, 45)])
def test_preferences_with_episodes_are_spread(objectives: int, count: int) -> None:
    grid = preference_grid(objectives, count)
    chosen = grid[spread_preferences(grid)]
    assert len(chosen) == min(11, count)
    for corner in np.eye(objectives):
        assert (chosen == corner).all(axis=1).any()
    farthest = np.linalg.norm(grid[:, None] - chosen, axis=2).min(axis=1).max()
    assert farthest < 0.36


def test_of_many_preferences_some_are_shown_and_it_is_told(swept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mecsim.report.page.content.MOST_PREFERENCES", 5)
    sweep = read_sweep(swept / "two")
    some = thinned(sweep)
    for front, whole in zip(some.fronts, sweep.fronts, strict=True):
        rows = [0, 4, 7, 10, 14]  # of 15, as even as can be
        np.testing.assert_array_equal(front.preferences, whole.preferences[rows])
        np.testing.assert_array_equal(front.totals, whole.totals[rows])
        np.testing.assert_array_equal(front.options["share"], whole.options["share"][rows])
    content = page_content([some], [[]] * 3, ["none"] * 3)
    assert len(content["targets"][0]["preferences"]) == 5
    assert content["sweeps"][0]["provenance"]["preferences"] == 15


def test_the_policy_of_the_page_allows_what_stands_in_it_and_nothing_else(pages: dict[str, Path]) -> None:
    page = Page(pages["two"].read_text())
    [policy] = [
        attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    allowed = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert allowed["default-src"] == allowed["base-uri"] == allowed["form-action"] == "'none'"

    def hashes(texts: list[str]) -> set[str]:
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
        return {f"'sha256-{digest}'" for digest in digests}

    assert set(allowed["script-src"].split()) == hashes(page.of("script"))
    assert set(allowed["style-src"].split()) == hashes(page.of("style"))
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src")], tag
        assert attributes.get("href") in (None, "data:,", "#preference")


def test_texts_of_users_are_texts(pages: dict[str, Path]) -> None:
    text = pages["two"].read_text()
    page = Page(text)
    assert page.data["title"] == HOSTILE
    assert "<img" not in text
    assert len(page.of("script")) == 2
    assert all("window.broken" not in script for script in page.of("script"))


def test_a_page_for_a_text_that_no_json_can_break() -> None:
    content = {"title": "\u2028{{data}} </script>", "objectives": []}
    assert Page(page_html(content)).data == content


def test_pictures_are_svg_and_pdf(mecsim: Command, swept: Path, tmp_path: Path) -> None:
    said = mecsim("report", swept / "two", "--out", "page.html", "--pictures", "pictures")
    assert (said.code, said.err) == (0, "")
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    stems = ["front", "over-weight", "learning", "options-01-a-b-run", "episode-01-a-b-run", "episode-03-random"]
    assert names >= {f"{stem}{ending}" for stem in stems for ending in (".svg", ".pdf")}
    assert f"{len(names)} files" in said.out
    for path in (tmp_path / "pictures").iterdir():
        assert path.read_bytes().startswith(b"%PDF" if path.suffix == ".pdf" else b"<?xml")
    assert b"/Type3" not in (tmp_path / "pictures" / "front.pdf").read_bytes()


def test_several_sweeps_share_a_page(mecsim: Command, swept: Path, tmp_path: Path) -> None:
    shutil.copytree(swept / "two", tmp_path / "again")
    assert mecsim("report", swept / "two", "again", "--out", "page.html", "--episodes", 0).code == 0
    labels = [target["label"] for target in Page((tmp_path / "page.html").read_text()).data["targets"]]
    assert labels == [f"{folder}: {name}" for folder in ("two", "again") for name in ("a<b>&'run", "greedy", "random")]


def test_a_target_that_is_gone_is_shown_without_an_episode(mecsim: Command, swept: Path, tmp_path: Path) -> None:
    run = swept / "a<b>&'run"
    run.rename(swept / "gone")
    try:
        said = mecsim("report", swept / "two", "--out", "page.html")
    finally:
        (swept / "gone").rename(run)
    assert said.code == 0
    assert "a<b>&'run: no episodes" in said.err
    gone, greedy, _ = Page((tmp_path / "page.html").read_text()).data["targets"]
    assert (gone["timelines"], bool(gone["no_timelines"])) == ({}, True)
    assert len(greedy["timelines"]) == 11


def test_what_cannot_be_shown_is_refused(refused: Command, swept: Path, tmp_path: Path) -> None:
    def said(*arguments: object) -> str:
        return refused("report", *arguments).err

    assert "no finished sweep" in said(tmp_path / "nowhere", "--out", "page.html")
    assert "named twice" in said(swept / "two", swept / "two", "--out", "page.html")
    assert "show them apart" in said(swept / "two", swept / "three", "--out", "page.html")
    assert "ends in .html" in said(swept / "two", "--out", "page.pdf")
    (tmp_path / "page.html").write_text("precious")
    assert "--force" in said(swept / "two", "--out", "page.html")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("precious")
    assert "--pictures" in said(swept / "two", "--out", "new.html", "--pictures", "full")
    shutil.copytree(swept / "cells", tmp_path / "old")
    (tmp_path / "old" / "episodes.parquet").unlink()
    assert "sweep again" in said("old", "--out", "new.html")


# In a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with Chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


def captions(browser: Chromium) -> list[str]:
    """Of the figures that are seen and have something drawn."""
    drawn = (
        "[...document.querySelectorAll('figure')].filter(one => one.offsetParent && one.querySelector('svg[role=img]'))"
    )
    return [str(text) for text in browser.evaluate(f"{drawn}.map(one => one.querySelector('figcaption').textContent)")]


EPISODE = [
    "Uploads and executions",
    "Tasks that wait for their dispatch",
    "Tasks on servers, uploads included",
    "Power",
]
OPTIONS = ["Share of the decisions", "Load of each option"]
CHARTS = {
    "two": ["delay and energy", *OPTIONS, *EPISODE, "hypervolume", "mean cost", "delay while exploring"],
    "three": ["delay and energy", "delay and satisfaction", "energy and satisfaction", *OPTIONS, *EPISODE, "Map",
              "All objectives: above is better"],
    "cells": ["satisfaction and saved resources", OPTIONS[0], "Blocks in use", "Ratings of requests", "Map"],
}  # fmt: skip


@pytest.mark.parametrize("size", [PHONE, SCREEN])
@pytest.mark.parametrize("name", list(CHARTS))
def test_all_charts_are_drawn_and_nothing_is_wider_than_the_screen(
    browser: Chromium, pages: dict[str, Path], name: str, size: tuple[int, int]
) -> None:
    browser.show(pages[name].as_uri(), *size)
    assert set(captions(browser)) >= set(CHARTS[name])
    assert browser.errors == []
    assert browser.requests == [pages[name].as_uri()]
    assert browser.evaluate("window.broken") is None
    assert browser.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert browser.evaluate("[...document.querySelectorAll('svg')].every(one => !/NaN|Infinity/.test(one.outerHTML))")
    unnamed = "[...document.querySelectorAll('input, select')].filter(one => !one.labels.length).length"
    assert browser.evaluate(unnamed) == 0
    assert browser.evaluate("[...document.querySelectorAll('svg[role=img]')].every(one => one.ariaLabel)")


def test_keys_on_the_slider_change_the_figures(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.show(pages["two"].as_uri(), *SCREEN)
    data = Page(pages["two"].read_text()).data
    seen = ["#chosen", "#objectives", "#quantities", "#options", "#episode-note", "#front"]
    parts = "[" + ", ".join(f"document.querySelector('{part}').innerHTML" for part in seen) + "]"
    before = browser.evaluate(parts)
    browser.evaluate("document.querySelector('#sliders input').focus()")
    browser.press("End", 35)
    after = browser.evaluate(parts)
    assert [part for part, old, new in zip(seen, before, after, strict=True) if old == new] == []
    assert browser.texts("#chosen") == ["Weights: delay 1, energy 0"]
    row = browser.texts("#objectives tbody tr:first-child td")
    reached = [float(re.sub(r"[,\s].*|,", "", text.replace(",", ""))) for text in row]
    at = [target["preferences"].index([1, 0]) for target in data["targets"]]
    expected = [target["mean"][index][0] for target, index in zip(data["targets"], at, strict=True)]
    np.testing.assert_allclose(reached, expected, rtol=1e-3)
    browser.press("ArrowLeft", 37)
    assert browser.texts("#chosen") == ["Weights: delay 0.929, energy 0.0714"]


def test_a_point_a_target_and_a_policy_can_be_chosen(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.show(pages["three"].as_uri(), *SCREEN)
    browser.evaluate("document.querySelector('#front .point').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    data = Page(pages["three"].read_text()).data
    first = data["targets"][0]["preferences"][0]
    assert browser.texts("#chosen")[0].endswith(f"satisfaction {first[2]:.3g}")
    browser.evaluate("document.querySelector('#target-0').click()")
    assert browser.texts("#objectives thead th") == ["", "random"]
    browser.evaluate(
        "const list = document.querySelector('#played'); list.value = 1; list.dispatchEvent(new Event('change'))"
    )
    assert "The first episode of seed 0" in browser.texts("#episode-note")[0]
    assert browser.errors == []
