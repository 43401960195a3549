"""What a scenario is to everything that knows no system: fields that all have, and what the rest asks of them."""

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from mecsim.schema.fields import Finding, Section, whole

MAX_TAPE_BYTE = 2**30  # of one episode


class Training(Section):
    """Defaults of `mecsim train`."""

    steps: Annotated[int, whole(1, 10**12)] = Field(1_000_000, description="Environment steps to train for.")


class Scenario(Section):
    """Base of the scenarios of all systems.

    A system's own one narrows `kind` and adds its sections, among them `objectives` and `training`.
    """

    SHORT_KEYS: ClassVar[Mapping[str, str]] = {}
    """Words of `--context` that stand for dotted keys."""

    STEPS_KEY: ClassVar[str]
    """The dotted key of `steps`."""

    EXAMPLE_KEYS: ClassVar[tuple[str, str]]
    """Two dotted keys, or short ones, for messages about unknown ones."""

    mecsim: Annotated[Literal[1], whole(1, 1)] = Field(description="Version of this format: 1.")
    kind: str = Field(description="What is simulated.")
    description: str = Field("", max_length=2000, description="One line about the scenario, for listings.")

    if TYPE_CHECKING:  # fields of every system's scenario, which stand where it declares them
        objectives: tuple[str, ...]
        training: Training

    @property
    def steps(self) -> int:
        """T: decisions of an episode."""
        raise NotImplementedError

    @property
    def data(self) -> Hashable:
        """What was read from files: another object once a file has changed, although the scenario is equal."""
        raise NotImplementedError

    @property
    def tape_byte(self) -> float:
        """About how much memory the randomness of one episode takes."""
        raise NotImplementedError

    @property
    def fixed_scale(self) -> tuple[float, ...] | None:
        """What counts as 1 of each objective in a scalarised cost, in their order; None where that is measured."""
        raise NotImplementedError

    @property
    def fixed_reference(self) -> tuple[tuple[float, ...], str] | None:
        """The reference point of hypervolumes as objectives are shown, and who chose it; None where it is measured."""
        raise NotImplementedError

    @classmethod
    def adapt(cls, root: dict[str, Any], assigned: Mapping[str, Any]) -> None:
        """Drop from the plain values of a scenario what has no meaning beside values `assigned` to dotted keys."""

    def check_needs(self) -> "list[Finding]":
        """What is wrong with what only a run needs, and reading a scenario does not look at."""
        return []

    def apart_from_texts(self) -> "Scenario":
        """The same without its description and the default length of trainings, which decide nothing of a play."""
        return self.model_copy(update={"description": "", "training": Training()})
