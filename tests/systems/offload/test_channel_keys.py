"""Keys of the channel that belong together."""

import pytest

from mecsim.errors import ScenarioError
from mecsim.scenario import with_context
from tests.one_system import offload_scenario


@pytest.mark.parametrize(
    ("context", "problem"),
    [
        ({"model": "uma", "shadowing": "3 dB"}, "shadowing: has no meaning here, expected model: gmorl or rayleigh"),
        ({"model": "umi", "path_loss_slope": "20"}, "path_loss_slope: has no meaning here, expected model: gmorl or"),
        ({"carrier": "2 GHz"}, "carrier: has no meaning here, expected model: uma or umi or the default"),
        ({"user_height": "2 m"}, "user_height: has no meaning here, expected model: uma or umi or the default"),
        ({"rician_k": "3 dB"}, "rician_k: has no meaning here, expected multipath: rician or the default"),
        ({"coherence_time": "3 s"}, "coherence_time: has no meaning here, expected fading: ar1 or the default"),
        (
            {"model": "uma", "carrier": "300 MHz"},
            "carrier: 3GPP's uma holds from 0.5 to 100 GHz, expected one of these",
        ),
        ({"model": "uma", "user_height": "14 m"}, "user_height: uma expects a height from 1.5 to 13 m"),
        ({"model": "umi", "user_height": "1 m"}, "user_height: umi expects a height from 1.5 to 22.5 m"),
        ({"model": "umi", "base_station_height": "1 m"}, "base_station_height: expected a height of 2 m or more"),
    ],
)
def test_keys_that_nothing_would_read(context: dict[str, str], problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        with_context(offload_scenario("gmorl"), {f"channel.{key}": value for key, value in context.items()})
    (found,) = caught.value.problems
    assert found.startswith(f"--context: channel.{problem}")


@pytest.mark.parametrize(
    "context",
    [
        {"model": "uma", "carrier": "2 GHz", "user_height": "13 m", "base_station_height": "40 m"},
        {"model": "umi", "user_height": "20 m", "multipath": "rician", "rician_k": "0 dB"},
        {"fading": "ar1", "coherence_time": "3 s"},
        {"model": "rayleigh", "shadowing": "3 dB", "noise_figure": "5 dB"},
    ],
)
def test_keys_that_belong_together(context: dict[str, str]) -> None:
    scenario = with_context(offload_scenario("gmorl"), {f"channel.{key}": value for key, value in context.items()})
    assert scenario.link_per_task == ("fading" in context)
