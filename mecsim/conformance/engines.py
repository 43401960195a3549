"""Checks of engines: they agree, refuse what is impossible, fork, and tell records that their rewards come to."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.conformance.subject import Subject, random_actions
from mecsim.core.engine import Engine, Observation
from mecsim.core.tape import Tapes
from mecsim.core.target import in_numpy
from mecsim.errors import InputError

PRECISION = 1e-9
AnyEngine = Engine[Tapes, object]


def _begun(subject: Subject, engine: str | None = None) -> AnyEngine:
    made = subject.system.engines[engine or subject.engine].load()(subject.scenario)
    made.begin(subject.tapes)
    return made


def _expected(engine: AnyEngine) -> NDArray[np.float64]:
    return in_numpy(engine.option_rewards())


def _earned(engine: AnyEngine, action: NDArray[np.int64]) -> NDArray[np.float64]:
    return in_numpy(engine.step(action))


def _observed(engine: AnyEngine, subject: Subject, precise: bool = True) -> Observation:
    out = _room(engine, subject, precise)
    engine.observe(out)
    return Observation(*map(in_numpy, out))


def _room(engine: AnyEngine, subject: Subject, precise: bool) -> Observation:
    shape = subject.system.layout.load()(subject.scenario).shape
    dtype = engine.xp.float64 if precise else engine.xp.float32
    return Observation.empty(len(subject.tapes), shape, dtype, engine.xp)


def _assert_close(one: Observation, other: Observation) -> None:
    assert_array_equal(one.mask, other.mask)
    assert_allclose(one.options, other.options, rtol=PRECISION, atol=PRECISION)
    assert_allclose(one.context, other.context, rtol=PRECISION, atol=PRECISION)


def _assert_records_close(one: object, other: object) -> None:
    """Raise AssertionError unless two records, dataclasses of arrays, are equal up to rounding."""
    if not is_dataclass(one) or isinstance(one, type):
        raise AssertionError(f"records are no dataclass of arrays: {type(one).__name__}")
    for field in fields(one):
        assert_allclose(
            getattr(one, field.name), getattr(other, field.name), rtol=PRECISION, atol=PRECISION, err_msg=field.name
        )


def engines_agree(subject: Subject) -> None:
    """On one tape and the same actions every engine of a system sees, earns and records the same."""
    engines = {name: _begun(subject, name) for name in subject.system.usable_engines()}
    own, rng = engines.pop(subject.engine), np.random.default_rng(0)
    for _ in range(own.steps):
        seen, expected = _observed(own, subject), _expected(own)
        action = random_actions(seen.mask, rng)
        for other in engines.values():
            _assert_close(seen, _observed(other, subject))
            assert_allclose(expected, _expected(other), rtol=PRECISION, atol=PRECISION)
        earned = _earned(own, action)
        for other in engines.values():
            assert_allclose(earned, _earned(other, action), rtol=PRECISION, atol=PRECISION)
    for other in engines.values():
        _assert_records_close(own.records(), other.records())


def observing_at_once_is_the_same(subject: Subject) -> None:
    """`step_and_observe` is `step` and then `observe`, in single precision as in double."""
    for precise in (True, False):
        one, other, rng = _begun(subject), _begun(subject), np.random.default_rng(1)
        seen = _observed(one, subject, precise)
        for _ in range(one.steps):
            action = random_actions(seen.mask, rng)
            earned, out = _earned(one, action), _room(other, subject, precise)
            assert_array_equal(earned, in_numpy(other.step_and_observe(action, out)))
            seen = _observed(one, subject, precise)
            for name, values in seen.as_dict().items():
                assert_array_equal(values, in_numpy(out.as_dict()[name]), err_msg=name)


def impossible_actions_are_refused(subject: Subject) -> None:
    """An action that cannot be taken raises InputError and changes nothing."""
    engine, untouched = _begun(subject), _begun(subject)
    seen = _observed(engine, subject)
    possible = random_actions(seen.mask, np.random.default_rng(2))
    wrong: list[NDArray[np.int64]] = [possible[:-1], np.full_like(possible, seen.mask.shape[1]), -1 - possible]
    ruled_out = np.asarray(seen.mask)[0] == 0
    if ruled_out.any():
        wrong.append(np.concatenate([[int(ruled_out.argmax())], possible[1:]]))
    for action in wrong:
        try:
            _earned(engine, action)
        except InputError:
            pass
        else:
            raise AssertionError(f"the action {action.tolist()} was taken")
    assert engine.step_index == 0
    assert_array_equal(_earned(engine, possible), _earned(untouched, possible))
    _assert_close(_observed(engine, subject), _observed(untouched, subject))


def copies_go_on(subject: Subject) -> None:
    """Forks, deep copies and pickles of an engine go on in mid-episode, and do not disturb it."""
    ways: dict[str, Callable[[AnyEngine], AnyEngine]] = {
        "fork": lambda engine: engine.fork(),
        "deepcopy": copy.deepcopy,
        "pickle": lambda engine: pickle.loads(pickle.dumps(engine)),  # noqa: S301  (our own, made here)
    }
    for name, way in ways.items():
        engine, alone, rng = _begun(subject), _begun(subject), np.random.default_rng(3)
        for _ in range(engine.steps // 2):
            action = random_actions(_observed(engine, subject).mask, rng)
            _earned(engine, action)
            _earned(alone, action)
        copied = way(engine)
        while copied.step_index < copied.steps:  # to its end, before the other goes on
            copied.step(random_actions(_observed(copied, subject).mask, rng))
        copied.records()
        again = way(engine)
        for _ in range(engine.steps - engine.step_index):
            action = random_actions(_observed(engine, subject).mask, rng)
            expected = _earned(alone, action)
            assert_allclose(_earned(engine, action), expected, rtol=PRECISION, atol=PRECISION, err_msg=name)
            assert_allclose(_earned(again, action), expected, rtol=PRECISION, atol=PRECISION, err_msg=name)
        _assert_records_close(alone.records(), again.records())


def the_end_is_the_end(subject: Subject) -> None:
    """After the last decision, and after `records`, no step can follow; records can be told again."""
    for decisions in (subject.scenario.steps, 1):
        engine, rng = _begun(subject), np.random.default_rng(4)
        for _ in range(decisions):
            action = random_actions(_observed(engine, subject).mask, rng)
            _earned(engine, action)
        told = copy.deepcopy(engine.records())
        try:
            _earned(engine, action)
        except InputError:
            pass
        else:
            raise AssertionError("a step was taken after the end")
        _assert_records_close(told, engine.records())


def rewards_sum_to_the_record(subject: Subject) -> None:
    """The rewards of an episode come to what its records tell of every objective."""
    engine, rng = _begun(subject), np.random.default_rng(5)
    total = sum(
        (_earned(engine, random_actions(_observed(engine, subject).mask, rng)) for _ in range(engine.steps)), start=0.0
    )
    layout = subject.system.layout.load()(subject.scenario)
    offset = np.array([one.offset for one in layout.objectives])
    costs = offset - np.asarray(total)
    shown = np.stack([one.value(costs[:, q]) for q, one in enumerate(layout.objectives)], axis=1)
    recorded = subject.system.recorded.load()(engine.records(), subject.tapes, subject.scenario)
    assert_allclose(shown, recorded, rtol=1e-7, atol=1e-7)


def tapes_of_another_scenario_are_refused(subject: Subject) -> None:
    """An engine takes no tapes of episodes of another length."""
    from mecsim.scenario import with_context

    other = with_context(subject.scenario, {subject.scenario.STEPS_KEY: str(subject.scenario.steps + 1)})
    engine = subject.system.engines[subject.engine].load()(other)
    try:
        engine.begin(subject.tapes)
    except InputError:
        return
    raise AssertionError("tapes of another scenario were taken")
