"""A fitted predictor: how well it predicts, what it promises, and its file."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from mecsim.errors import InputError
from mecsim.people.people import draw_people
from mecsim.people.population import Population
from mecsim.people.requests import Requests, draw_requests
from mecsim.people.satisfaction import Satisfaction
from mecsim.predictor import fit as predictor_fit
from mecsim.predictor.data import LogUsers, RequestLog
from mecsim.predictor.file import KEY
from mecsim.predictor.fit import fit_predictor
from mecsim.predictor.predictor import Predictor
from mecsim.predictor.read import read_log
from mecsim.predictor.report import KNOWN, UNSEEN, calibration, fit_and_judge, split
from mecsim.predictor.trees import MAX_PENDING
from mecsim.predictor.users import CELLS
from tests.kernels import add_curve

from .request_log import small_log

USERS, DAYS = 30, 30
DAY_S = 86400.0


@pytest.fixture(scope="module", autouse=True)
def _fewer_trees() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictor_fit, "TREES", 50)
        patch.setattr(predictor_fit, "LEARNING_RATE", 0.2)
        yield


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> RequestLog:
    return read_log(small_log(USERS, DAYS).write(tmp_path_factory.mktemp("log") / "log.parquet"))


@pytest.fixture(scope="module")
def judged(log: RequestLog) -> tuple[Predictor, dict[str, Any]]:
    return fit_and_judge(log, seed=0)


@pytest.fixture(scope="module")
def predictor(judged: tuple[Predictor, dict[str, Any]]) -> Predictor:
    return judged[0]


@pytest.fixture(scope="module")
def population() -> Population:
    """With the names of the log, in another order."""
    return Population()


@pytest.fixture(scope="module")
def requests(population: Population) -> Requests:
    rng = np.random.default_rng(2)
    return draw_requests(population, draw_people(population, Satisfaction(), USERS, rng), 0.0, DAY_S / 4, rng)


def test_known_users_near_the_noise_and_unseen_ones_better_than_the_persona_mean(
    judged: tuple[Predictor, dict[str, Any]], log: RequestLog
) -> None:
    known, unseen = judged[1]["splits"][KNOWN], judged[1]["splits"][UNSEEN]
    assert known["noise_floor_mae"] < known["mae"] < 1.25 * known["noise_floor_mae"]
    assert known["mae"] < 0.6 * known["stranger_mae"]
    assert known["mae_to_truth"] < 0.6 * known["mae"]
    assert known["r2"] > 0.9
    assert unseen["mae"] < 0.6 * unseen["persona_mean_mae"]
    assert unseen["stranger_mae"] == unseen["mae"]
    assert judged[1]["requests"] == len(log)
    assert judged[1]["training_requests"] + known["requests"] + unseen["requests"] <= len(log)


def test_the_spread_of_people_is_found(judged: tuple[Predictor, dict[str, Any]]) -> None:
    """Offsets are normal with deviation 0.12; of 24 users it is known within about 15 %."""
    assert 0.08 < judged[1]["offset_deviation"] < 0.17


def test_offsets_are_those_of_the_users(predictor: Predictor) -> None:
    true = small_log(USERS, DAYS).shift
    found = predictor.offsets.mean[:-1, 0]
    assert np.corrcoef(found, true)[0, 1] > 0.9
    assert (predictor.offsets.covariance[:-1, 0, 0] < 0.3 * predictor.offsets.covariance[-1, 0, 0]).all()


def test_splits_share_nothing(log: RequestLog) -> None:
    training, later, unseen = split(log, np.random.default_rng(0))
    assert not (training & later).any()
    assert not ((training | later) & unseen).any()
    assert set(log.user[later]) <= set(log.user[training])
    assert not set(log.user[unseen]) & set(log.user[training])
    assert log.day[training].max() < log.day[later].min()
    assert len(set(log.user[unseen])) == USERS // 5


def test_calibration_counts_every_request(predictor: Predictor, log: RequestLog) -> None:
    tables = calibration(predictor, log)
    assert set(tables) == set(log.names["persona"])
    entries = [entry for entries in tables.values() for entry in entries]
    assert sum(entry["requests"] for entry in entries) == len(log)
    for entry in entries:
        assert entry["from"] - 1e-9 <= entry["predicted"] <= entry["to"] + 1e-9
        if entry["requests"] > 200:
            assert entry["reported"] == pytest.approx(entry["predicted"], abs=0.2)


def test_a_log_that_cannot_be_split(log: RequestLog) -> None:
    with pytest.raises(InputError, match="expected at least 5 users and 2 days"):
        fit_and_judge(log.select(log.day == 0), 0)
    few = log.select(log.user < 3)
    with pytest.raises(InputError, match="expected at least 5 users"):
        fit_and_judge(replace(few, users=LogUsers(few.users.ids[:3], few.users.numbers[:3], few.users.persona[:3])), 0)


def test_the_truth_is_not_needed(log: RequestLog) -> None:
    blind = replace(log, truth=None).select(log.day < 6)
    _, report = fit_and_judge(blind, 0)
    known = report["splits"][KNOWN]
    assert known["noise_floor_mae"] is None
    assert known["mae_to_truth"] is None
    assert 0.0 < known["mae"] < 1.0
    json.dumps(report, allow_nan=False)


def test_the_same_seed_gives_the_same_predictor(log: RequestLog, tmp_path: Path) -> None:
    few = log.select(log.day < 4)
    for name in ("first", "second"):
        fit_predictor(few, np.random.default_rng(3), rounds=1).save(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_monotone_in_the_rate(predictor: Predictor, population: Population, requests: Requests, seed: int) -> None:
    """For known users and strangers, and also after learning and for samples; not even by rounding does it fall."""
    rng = np.random.default_rng(seed)
    few = requests.select(rng.integers(0, len(requests), 20))
    few = replace(few, user=rng.integers(-1, USERS + 2, 20))
    share = np.sort(rng.random((20, 12)), axis=1) * 1.1
    rate = few.min_rate_bit_per_s[:, None] * (few.demand_rate_bit_per_s / few.min_rate_bit_per_s)[:, None] ** share
    for each in (predictor, predictor.sample(rng), predictor.learn(few, population, rate[:, 3], 5.0 * rng.random(20))):
        found = each.predict(few, population, rate)
        assert (np.diff(found, axis=1) >= 0.0).all()
        assert ((found >= 0.0) & (found <= 5.0)).all()


def test_the_rate_matters_only_by_its_position(
    predictor: Predictor, population: Population, requests: Requests
) -> None:
    rate = requests.level_rates_bit_per_s(4)
    found = predictor.predict(requests, population, rate)
    assert found.shape == (len(requests), 4)
    assert (found[:, -1] > found[:, 0] + 1.0).mean() > 0.9
    below = predictor.predict(requests, population, 0.0 * rate)
    np.testing.assert_array_equal(below, np.repeat(found[:, :1], 4, axis=1))


def test_requests_do_not_depend_on_each_other(predictor: Predictor, population: Population, requests: Requests) -> None:
    rate = requests.level_rates_bit_per_s(3)
    whole = predictor.predict(requests, population, rate)
    index = np.random.default_rng(0).permutation(len(requests))[:50]
    np.testing.assert_array_equal(predictor.predict(requests.select(index), population, rate[index]), whole[index])


def test_who_is_not_known_is_a_stranger(predictor: Predictor, population: Population, requests: Requests) -> None:
    rate = requests.level_rates_bit_per_s(3)
    absent, negative = (replace(requests, user=np.full(len(requests), user)) for user in (USERS + 5, -1))
    cold = predictor.forgetting_users()
    found = cold.predict(requests, population, rate)
    np.testing.assert_array_equal(predictor.predict(absent, population, rate), found)
    np.testing.assert_array_equal(predictor.predict(negative, population, rate), found)
    assert np.abs(predictor.predict(requests, population, rate) - found).max() > 0.3


def test_a_stranger_is_expected_to_be_the_mean_of_people(
    predictor: Predictor, population: Population, requests: Requests
) -> None:
    """The quadrature agrees with many draws of people."""
    few = requests.select(np.arange(30))
    rate = few.level_rates_bit_per_s(4)
    cold = predictor.forgetting_users()
    rng = np.random.default_rng(0)
    drawn = np.mean([cold.sample(rng).predict(few, population, rate) for _ in range(2000)], axis=0)
    away = np.abs(cold.predict(few, population, rate) - drawn)
    assert away.mean() < 0.04
    assert away.max() < 0.15


def test_learning_of_a_stranger_brings_predictions_to_what_they_say(
    predictor: Predictor, population: Population, requests: Requests
) -> None:
    """Somebody whose zone lies higher by 0.2, of whom no log told."""
    true = Predictor.sample(predictor.forgetting_users(), np.random.default_rng(0))
    true.offsets.mean[:] = (0.2, 0.0)
    someone = replace(requests, user=np.full(len(requests), 1000))
    rng = np.random.default_rng(1)
    position = rng.random(len(requests))
    rate = someone.min_rate_bit_per_s * (someone.demand_rate_bit_per_s / someone.min_rate_bit_per_s) ** position
    felt = true.predict(someone, population, rate[:, None])[:, 0]
    said = np.clip(felt + rng.normal(0.0, 0.3, len(felt)), 0.0, 5.0)
    errors = []
    learning = predictor
    for first in (0, 3, 20):
        errors.append(np.abs(learning.predict(someone, population, rate[:, None])[:, 0] - felt).mean())
        part = np.arange(first, {0: 3, 3: 20, 20: len(requests)}[first])
        learning = learning.learn(someone.select(part), population, rate[part], said[part])
    errors.append(np.abs(learning.predict(someone, population, rate[:, None])[:, 0] - felt).mean())
    assert errors[0] > 0.5
    assert errors[-1] < 0.15
    assert errors[2] < 0.5 * errors[0]
    # Nobody else changed, and the predictor that it came from neither.
    rest = np.arange(USERS)
    np.testing.assert_array_equal(learning.offsets.mean[rest], predictor.offsets.mean[rest])
    assert len(predictor.offsets.user_ids) == USERS


def test_personas_and_applications_are_found_by_name(
    predictor: Predictor, population: Population, requests: Requests
) -> None:
    rate = requests.level_rates_bit_per_s(3)
    personas = dict(reversed(population.personas.items()))
    turned = Population(personas=personas, applications=population.applications)
    moved = replace(requests, persona=len(personas) - 1 - requests.persona)
    np.testing.assert_array_equal(predictor.predict(moved, turned, rate), predictor.predict(requests, population, rate))


def test_a_name_that_the_log_did_not_have(predictor: Predictor, population: Population, requests: Requests) -> None:
    personas = dict(population.personas)
    personas["artist"] = personas.pop("homemaker")
    other = Population(personas=personas, applications=population.applications)
    with pytest.raises(InputError, match="the predictor knows no persona 'artist', only "):
        predictor.predict(requests, other, requests.level_rates_bit_per_s(2))
    without = requests.select(requests.persona != list(personas).index("artist"))
    predictor.predict(without, other, without.level_rates_bit_per_s(2))  # nobody of that kind asks


def test_saved_and_loaded_it_is_the_same(
    predictor: Predictor, population: Population, requests: Requests, tmp_path: Path
) -> None:
    path = tmp_path / "people.safetensors"
    predictor.save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["people.safetensors"]
    loaded = Predictor.load(path)
    rate = requests.level_rates_bit_per_s(5)
    np.testing.assert_array_equal(
        loaded.predict(requests, population, rate), predictor.predict(requests, population, rate)
    )
    loaded.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_prediction_needs_no_library_of_fitting(predictor: Predictor, tmp_path: Path) -> None:
    predictor.save(tmp_path / "people.safetensors")
    script = (
        "import sys; from pathlib import Path; from mecsim.predictor.predictor import Predictor; "
        "Predictor.load(Path(sys.argv[1])); "
        "print([name for name in ('lightgbm', 'pyarrow', 'pandas', 'torch') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "people.safetensors")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        Predictor.load(path)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert text.startswith(f"{path}: ")
    return text


def test_files_that_are_no_predictor(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "people.safetensors"
    assert "no such file" in refusal(path)
    assert "no such file" in refusal(tmp_path)
    predictor.save(path)
    whole = path.read_bytes()
    for content in (b"", b"junk", whole[:100], whole[:-1], whole + b"x", b"\xff" * 8 + whole[8:]):
        path.write_bytes(content)
        assert "is no predictor, or damaged; write one with mecsim fit" in refusal(path)
    save_file({"weights": np.zeros(3)}, path)
    assert "is no predictor; write one with mecsim fit" in refusal(path)
    save_file({"weights": np.zeros(3)}, path, {"mecsim_predictor": "[" * 5000})
    assert "is no predictor, or damaged; write one with mecsim fit" in refusal(path)


def rewritten(path: Path, header: dict[str, Any] | None = None, **arrays: np.ndarray | None) -> None:
    """The file with other arrays (`__` for a dot), or another header; None leaves one out."""
    tensors = load_file(path)
    for name, array in arrays.items():
        name = name.replace("__", ".")
        if array is None:
            del tensors[name]
        else:
            tensors[name] = array
    size = int.from_bytes(path.read_bytes()[:8], "little")
    before = json.loads(json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"][KEY])
    save_file(tensors, path, {KEY: json.dumps(before | (header or {}))})


def as_bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def test_a_predictor_of_an_earlier_version(tmp_path: Path) -> None:
    """Its trees were arrays of their own."""
    path = tmp_path / "people.safetensors"
    save_file({"trees.base": np.zeros(1), "variance": np.ones(20)}, path, {KEY: json.dumps({"format": 1})})
    assert refusal(path) == f"{path}: is a predictor of another format than 3; fit it again with mecsim fit"


def test_the_file_holds_the_text_that_lightgbm_reads(predictor: Predictor, log: RequestLog, tmp_path: Path) -> None:
    """A stranger's mean report at the felt position, in a cell, is the sum of the library's trees."""
    path = tmp_path / "people.safetensors"
    predictor.save(path)
    booster = lightgbm.Booster(model_str=load_file(path)["model"].tobytes().decode())
    assert booster.num_trees() == 50
    assert booster.feature_name()[-1] == "felt_position_cell"
    curve, pending = np.empty(CELLS), np.empty((MAX_PENDING, 3), np.int64)
    for one in (0, len(log) // 2, len(log) - 1):
        add_curve(predictor.model.trees, log.codes[one], log.numbers[one], curve, pending)
        rows = np.column_stack([np.tile([*log.codes[one], *log.numbers[one]], (CELLS, 1)), np.arange(CELLS)])
        np.testing.assert_allclose(curve, booster.predict(rows, num_threads=1), rtol=0.0, atol=1e-12)


def test_damaged_predictors(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "people.safetensors"
    text = predictor.model.text
    users = len(predictor.offsets.user_ids)
    cases: list[dict[str, Any]] = [
        {"header": {"names": {}}},
        {"header": {"names": None}},
        {"header": {"names": {**predictor.names, "period": ["day", "night"]}}},
        {"header": {"names": {**predictor.names, "persona": []}}},
        {"header": {"names": {**predictor.names, "persona": [1, 2]}}},
        {"variance": None},
        {"variance": -np.ones(20)},
        {"variance": np.ones(19)},
        {"calibration": np.linspace(5.0, 0.0, 101)},
        {"calibration": np.full(101, np.nan)},
        {"model": None},
        {"model": np.frombuffer(text.encode(), np.int8)},
        {"model": as_bytes(text[: len(text) // 2])},
        {"model": as_bytes(text.replace("left_child=", "left_child=0 "))},
        {"model": np.full(100, 255, np.uint8)},  # no text
        {"users__ids": np.full(9, 255, np.uint8)},
        {"users__ids": as_bytes(json.dumps(["0"] * users))},
        {"users__numbers": np.arange(users)[::-1].copy()},
        {"users__persona": np.full(users, 4, np.int8)},
        {"offsets__user_ids": np.zeros(users, np.int64)},
        {"offsets__mean": np.zeros((users, 2))},
        {"offsets__mean": np.full((users + 1, 2), np.inf)},
        {"offsets__covariance": np.full((users + 1, 2, 2), np.nan)},
    ]
    for changes in cases:
        predictor.save(path)
        rewritten(path, **changes)
        assert "is a damaged predictor; fit it again with mecsim fit" in refusal(path), changes
    predictor.save(path)
    rewritten(path, {"format": 99})
    assert "of another format than 3; fit it again with mecsim fit" in refusal(path)


def test_cells_fit_into_the_bins_of_the_library() -> None:
    """Each cell is a value of its own to the trees, so every threshold lies between two cells."""
    assert CELLS <= 255
