"""The config: defaults, mappings, errors."""

import dataclasses
import json

import pytest
from mecsim_agents import LEARNERS, DiscreteSACConfig, LearnerConfig


def test_mapping_there_and_back_through_json() -> None:
    config = DiscreteSACConfig(encoder_sizes=(8,), critic="scalar", learn_temperature=True)
    assert DiscreteSACConfig.from_mapping(json.loads(json.dumps(config.to_mapping()))) == config


def test_what_a_mapping_lacks_keeps_its_default() -> None:
    mapping = DiscreteSACConfig().to_mapping()
    del mapping["architecture"]
    assert DiscreteSACConfig.from_mapping(mapping).architecture == "exchange"


@pytest.mark.parametrize("config", [algorithm.config for algorithm in LEARNERS.values()])
def test_every_field_is_documented(config: type[LearnerConfig]) -> None:
    told = " ".join(cls.__doc__ or "" for cls in config.__mro__)
    for field in dataclasses.fields(config):
        assert field.name in told


@pytest.mark.parametrize("config", [algorithm.config for algorithm in LEARNERS.values()])
def test_defaults_can_be_used(config: type[LearnerConfig]) -> None:
    assert config.from_mapping(config().to_mapping()) == config()


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"learnig_rate": 1e-3}, "learnig_rate.*learning_rate"),
        ({"tau": 0.1}, "tau: no such field"),
        ({"discount": 1.5}, "discount: expected a number from 0 to 1"),
        ({"discount": float("nan")}, "discount"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": "5e-4"}, "learning_rate"),
        ({"architecture": "both"}, "architecture: expected 'set' or 'exchange' or 'padded', got 'both'"),
        ({"architecture": ["set"]}, "architecture: expected"),
        ({"critic": "both"}, "critic: expected 'vector' or 'scalar'"),
        ({"policy": "greedy"}, "policy: expected 'softmax' or 'network', got 'greedy'"),
        ({"pessimism": "max"}, "pessimism: expected 'mean' or 'min', got 'max'"),
        ({"compress": 0}, "compress: expected true or false"),
        ({"exploration_temperature": 0.0}, "exploration_temperature: expected a number"),
        ({"group_huber_beta": 0.0}, "group_huber_beta: expected a number"),
        ({"group_mean_weight": -0.1}, "group_mean_weight: expected a number from 0"),
        ({"played_fraction": 1.5}, "played_fraction: expected a number from 0 to 1"),
        ({"logit_temperature": 0.01}, "logit_temperature: no such field"),
        ({"encoder_sizes": []}, "encoder_sizes"),
        ({"head_sizes": [64, 0]}, "head_sizes"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"batch_size": True}, "batch_size"),
        ({"residual": 1}, "residual: expected true or false"),
    ],
)
def test_errors_name_the_field(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DiscreteSACConfig.from_mapping(mapping)


def test_errors_are_of_one_line() -> None:
    with pytest.raises(ValueError, match="got") as caught:
        DiscreteSACConfig.from_mapping({"discount": "a\nb", "batch_size": 0})
    assert str(caught.value) == "batch_size: expected a positive whole number, got 0"


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DiscreteSACConfig().discount = 0.5  # type: ignore[misc]
