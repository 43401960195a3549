"""What a learner has to know of an environment before it has seen anything of it."""

import math
from dataclasses import dataclass

MAX_COUNT = 2**20
"""Of whatever an environment has several of; a network for more would fill the memory."""


@dataclass(frozen=True)
class EnvironmentShape:
    """Sizes and meanings of what an environment shows and pays; sequences of any kind are kept as tuples.

    num_objectives: d, the length of a reward.
    option_features, context_features: F and G, the columns of `options` and of `context`.
    objective_scale: (d,) size of each objective in its physical unit, by which rewards are divided.
    num_options: A, the most options of a state, for those who have to know it: a replay, and networks of a fixed size.
    reward_columns: (d,) columns of `options` with each option's immediate cost, which is minus its reward, in physical
        units. None if the environment does not tell.
    separable: positions of the objectives in which a decision costs what it does whatever was decided before.
    count_columns: the first column of `options`, and the first one after it, that hold whole numbers from 0 to 255 in
        valid options. None if there are none.
    elapsed_entry: the entry of `context` with the time in s since the last decision. None if it is always the same.
    discount_per_s: discount γ of a second, where a decision is discounted by the time until the next one: a semi-Markov
        decision process (Bradtke and Duff 1994). None where each decision counts alike.
    """

    num_objectives: int
    option_features: int
    context_features: int
    objective_scale: tuple[float, ...]
    num_options: int | None = None
    reward_columns: tuple[int, ...] | None = None
    separable: tuple[int, ...] = ()
    count_columns: tuple[int, int] | None = None
    elapsed_entry: int | None = None
    discount_per_s: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be."""
        for name, least in (("num_objectives", 1), ("option_features", 1), ("context_features", 0)):
            if not least <= getattr(self, name) <= MAX_COUNT:
                raise ValueError(f"{name}: expected {least} to {MAX_COUNT}, got {getattr(self, name)}")
        if self.num_options is not None and not 1 <= self.num_options <= MAX_COUNT:
            raise ValueError(f"num_options: expected 1 to {MAX_COUNT}, got {self.num_options}")
        given: dict[str, object] = {"objective_scale": tuple(float(scale) for scale in self.objective_scale)}
        given |= {"separable": tuple(int(position) for position in self.separable)}
        for name in ("reward_columns", "count_columns"):
            columns = getattr(self, name)
            given |= {name: None if columns is None else tuple(int(column) for column in columns)}
        for name, value in given.items():
            object.__setattr__(self, name, value)
        if len(self.objective_scale) != self.num_objectives or not all(
            0 < scale < math.inf for scale in self.objective_scale
        ):
            raise ValueError(
                f"objective_scale: expected {self.num_objectives} positive numbers, got {self.objective_scale}"
            )
        if not set(self.separable) <= set(range(self.num_objectives)):
            raise ValueError(f"separable: expected positions of {self.num_objectives} objectives, got {self.separable}")
        entry, discount = self.elapsed_entry, self.discount_per_s
        if entry is not None and not 0 <= entry < self.context_features:
            raise ValueError(f"elapsed_entry: expected an entry below {self.context_features}, got {entry}")
        if discount is not None and (entry is None or not 0 < discount <= 1):
            raise ValueError(f"discount_per_s: expected 0 to 1 and an elapsed_entry, got {discount} and {entry}")
        costs = self.reward_columns
        if costs is not None and (
            len(costs) != self.num_objectives or not set(costs) <= set(range(self.option_features))
        ):
            raise ValueError(
                f"reward_columns: expected {self.num_objectives} columns below {self.option_features}, got {costs}"
            )
