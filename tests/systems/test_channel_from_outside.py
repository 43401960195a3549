"""A channel model of another package: found by its entry point, named in YAML, and used by every system."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mecsim.core.plugins import Places
from mecsim.core.system import draw_episodes
from mecsim.errors import ScenarioError
from mecsim.physics.channel import BUILT_IN
from mecsim.physics.channel.base import CHANNELS
from mecsim.physics.channel.cqi import cqi
from mecsim.policies import named_policy, play
from mecsim.scenario import context, kind_schema, load_scenario, parse_scenario, scenario_to_yaml, with_context
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import draw_cells

BEAM = '''
from typing import ClassVar

import numpy as np
from pydantic import Field

from mecsim.physics.channel.base import ChannelModel, Gain, Generators, Links
from mecsim.physics.channel.link import from_db
from mecsim.schema.fields import LevelOrZero, Positive


class Beam(ChannelModel):
    """A beam that bodies block."""

    ABOUT: ClassVar[str] = "a beam that bodies block."

    exponent: Positive = Field(2.2, description="Exponent of the path loss.")
    blockage_db: LevelOrZero = Field(20.0, alias="blockage", description="Loss through a body, in dB.")

    def draw_gain(self, links: Links, generators: Generators) -> Gain:
        blocked = links.uniform(generators.line_of_sight, 20.0) < 0.3
        loss_db = 40.0 + 10.0 * self.exponent * np.log10(np.maximum(links.distance_m, 1.0))
        return Gain(from_db(-(loss_db + np.where(blocked, self.blockage_db, 0.0))), ~blocked)
'''

OFFLOAD = """
mecsim: 1
kind: offload
episode: {steps: 30}
servers: {edge: {count: 3}}
channel: {model: beam, exponent: 3, blockage: 25 dB, bandwidth: 1 MHz, multipath: rician}
"""
CELLS = """
mecsim: 1
kind: cells
episode: {requests: 40}
cells: {count: 3, candidates: 2, distance: 300 m, blocks: 12}
radio: {model: beam, blockage: 30 dB, tx_power: 1 mW}
"""


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package `beam` on the path, with an entry point."""
    (tmp_path / "beam.py").write_text(BEAM, encoding="utf-8")
    described = tmp_path / "beam-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: beam\nVersion: 1.0\n", encoding="utf-8")
    (described / "entry_points.txt").write_text("[mecsim.channels]\nbeam = beam:Beam\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "beam", raising=False)
    monkeypatch.setattr(CHANNELS, "_places", Places("mecsim.channels", lambda: BUILT_IN))
    monkeypatch.setattr(context, "_keys", context._keys.__wrapped__)


@pytest.mark.parametrize("text", [OFFLOAD, CELLS])
def test_both_engines_agree(text: str) -> None:
    scenario = parse_scenario(text)
    tapes = draw_episodes(scenario, 3, 0, 4)
    one, other = (
        play(named_policy("greedy", scenario)(0), scenario, tapes, np.array([0.6, 0.4]), engine)
        for engine in ("simpy", "batched")
    )
    assert (one.totals > 0.0).all()
    np.testing.assert_allclose(one.totals, other.totals, rtol=1e-9)


def test_the_law_makes_the_links_of_offloading() -> None:
    """A direct path that is all there is: with and without a body in between, and nothing else."""
    scenario = with_context(parse_scenario(OFFLOAD), {"channel.rician_k": "200 dB", "channel.interference": "true"})
    assert isinstance(scenario, OffloadScenario)
    tapes = draw_tapes(scenario, 0, 0, 256)
    clear_db = 10.0 * np.log10(0.01 / (10.0**-20.4 * 1e6)) - 40.0 - 30.0 * np.log10(tapes.distance_m)
    lost_db = clear_db - 10.0 * np.log10(tapes.snr)
    clear = np.abs(lost_db) < 1e-6
    assert clear.mean() == pytest.approx(0.7, abs=0.02)
    assert lost_db[~clear].mean() == pytest.approx(25.0 + 2.507, abs=0.2)  # and Rayleigh fading


def test_the_law_makes_the_links_of_cells() -> None:
    """A lone cell without fading: the CQI is that of a clear link, or of a blocked one."""
    changes = {"cells.count": "1", "cells.candidates": "1", "cells.distance": "2 m", "radio.fading": "none"}
    changes["radio.tx_power"] = "1e-6 W"
    scenario = with_context(parse_scenario(CELLS), changes)
    assert isinstance(scenario, CellsScenario)
    tapes = draw_cells(scenario, 0, 0, 256)
    clear_db = 10.0 * np.log10(1e-6 / 12.0) - 40.0 - (-204.0 + 9.0 + 10.0 * np.log10(180e3))
    clear_db -= 22.0 * np.log10(1.05)  # the radius of the disc is 1.05 m, nearer than 1 m counts as 1 m
    blocked = tapes.cqi[:, :, 0] != cqi(np.array(10.0 ** (clear_db / 10.0)))
    assert blocked.mean() == pytest.approx(0.3, abs=0.02)


def test_files_come_back() -> None:
    for text in (OFFLOAD, CELLS):
        scenario = parse_scenario(text)
        assert parse_scenario(scenario_to_yaml(scenario)) == scenario


def test_keys_of_the_chosen_model_are_known() -> None:
    with pytest.raises(ScenarioError, match=r"channel\.blokage: unknown key, did you mean 'blockage'"):
        parse_scenario(OFFLOAD.replace("blockage", "blokage"))
    with pytest.raises(ScenarioError, match=r"channel\.blockage: expected a level in dB"):
        parse_scenario(OFFLOAD.replace("25 dB", "25 m"))
    with pytest.raises(ScenarioError, match=r"channel\.blockage: unknown key"):  # of another model
        parse_scenario(OFFLOAD.replace("model: beam", "model: uma"))
    with pytest.raises(ScenarioError, match="carrier: has no meaning here, expected model: uma or umi or the default"):
        parse_scenario(OFFLOAD.replace("exponent: 3", "carrier: 2 GHz"))
    with pytest.raises(ScenarioError, match="expected 'gmorl', 'rayleigh', 'uma', 'umi' or 'beam', got 'bean'"):
        parse_scenario(OFFLOAD.replace("model: beam", "model: bean"))


def test_context_goes_from_one_model_to_another() -> None:
    plain = load_scenario("quickstart")
    beam = with_context(plain, {"channel.model": "beam", "channel.blockage": "3 dB"})
    assert isinstance(beam, OffloadScenario)
    assert beam.channel.law.model_dump() == {"exponent": 2.2, "blockage_db": 3.0}
    assert with_context(beam, {"channel.model": "gmorl"}) == plain
    with pytest.raises(ScenarioError, match=r"did you mean 'channel\.blockage'"):
        with_context(plain, {"channel.blokage": "3 dB"})


@pytest.mark.parametrize(("kind", "section"), [("offload", "channel"), ("cells", "radio")])
def test_editors_know_the_keys(kind: str, section: str) -> None:
    found = kind_schema(kind)["properties"][section]["properties"]
    assert found["model"]["enum"][-1] == "beam"
    assert found["model"]["description"].endswith("beam: a beam that bodies block.")
    assert found["blockage"]["default"] == "20 dB"
    assert found["blockage"]["description"] == "beam: Loss through a body, in dB."
