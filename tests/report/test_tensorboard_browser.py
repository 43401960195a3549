"""TensorBoard in a browser: the promised charts are found and drawn."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mecsim.policies import calibrate
from mecsim.report.trade_offs import write_trade_offs
from mecsim.sweep import Front, assess
from mecsim.systems.offload.scenario import OffloadScenario
from tests.chromium import CHROMIUM, SEARCH, Chromium
from tests.report.many_runs import logged_runs

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@pytest.fixture
def address(fronts: list[Front], scenario: OffloadScenario, tmp_path: Path) -> Iterator[str]:
    """Where `mecsim tensorboard` shows a training over 1,000 servers and a sweep."""
    logged_runs(tmp_path / "shown", 1, 1000, epochs=14)
    sweep = tmp_path / "shown" / "sweep"
    write_trade_offs(sweep / "tensorboard", fronts, assess(fronts, calibrate(scenario)), scenario)
    (sweep / "summary.json").write_text("{}")
    command = [sys.executable, "-m", "mecsim", "tensorboard", str(tmp_path / "shown"), "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told.startswith("run_00, sweep: http://127.0.0.1:")
        yield told.split()[2]
        process.terminate()


def click(browser: Chromium, selector: str, text: str) -> None:
    found = f"({SEARCH % json.dumps(selector)}).find(one => one.textContent.toLowerCase().includes({json.dumps(text)}))"
    browser.evaluate(f"{found}.click()")


def test_the_promised_charts_are_drawn(address: str, tmp_path: Path) -> None:
    (tmp_path / "profile").mkdir()
    with Chromium(tmp_path / "profile") as browser:
        browser.open(address)
        browser.wait_for("tf-hparams-table-view")
        click(browser, "paper-tab", "parallel")
        browser.wait_for("tf-hparams-parallel-coords-plot >> path", 8)  # two targets, four preferences each
        click(browser, "paper-tab", "scatter")
        browser.wait_for("tf-hparams-scatter-plot-matrix-plot >> circle", 8)
        click(browser, ".plugin-name", "custom scalars")
        browser.wait_for("tf-custom-scalar-margin-chart-card >> path.line", 2)  # the run and greedy
        browser.wait_for("tf-custom-scalar-multi-line-chart-card >> path.line", 2)
        assert [name.split()[0] for name in browser.texts("span.category-name")][:3] == [
            "Front",
            "Objectives",
            "Training",
        ]
        click(browser, ".plugin-name", "images")
        browser.wait_for("tf-image-loader >> img", 4)  # the third category is closed at first
        assert {"front", "objectives_over_weight", "options_over_weight"} <= set(browser.texts("span.category-name"))
        click(browser, ".plugin-name", "text")
        browser.wait_for("tf-text-loader >> table", 2)
        click(browser, ".plugin-name", "time series")
        browser.wait_for("scalar-card line-chart canvas")
        assert not [told for told in browser.errors if "exceptionId" in told]  # it warns of its own libraries
