"""A benchmark as it is stored: settings, a value of each quantity, all repetitions, and where they come from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from mecsim.bench.quantity import Quantity, Repetitions
from mecsim.errors import InputError


class Benchmark(BaseModel):
    """What `mecsim bench` found; `values` are keys of their own in the file."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, FiniteFloat]

    format: Literal[1] = 1
    scenario: str
    threads: int
    envs: int
    repetitions: dict[
        str, Annotated[list[FiniteFloat], Field(min_length=1)]
    ] = {}  # files of earlier versions have none
    versions: dict[str, str | None]
    git_revision: str | None
    code: str | None = None  # a digest; files of earlier versions have none
    hardware: dict[str, Any]
    against: dict[str, Any] = {}  # what was printed of a comparison of its own

    @property
    def values(self) -> dict[str, float]:
        """Key to the value of each quantity."""
        return self.__pydantic_extra__

    @model_validator(mode="after")
    def _positive(self) -> Self:
        for key, value in self.values.items():
            if Quantity(key).sign and min(value, *self.repetitions.get(key, [value])) <= 0.0:
                raise ValueError(f"{key}: is not above 0")
        return self


def stored(
    settings: Mapping[str, str | int], repetitions: Repetitions, provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of a file; `settings` are scenario, threads and envs."""
    values = {key: Quantity(key).value(found) for key, found in repetitions.items()}
    values["batched_to_simpy"] = values["batched_env_steps_per_s"] / values["simpy_env_steps_per_s"]
    return {"format": 1, **settings, **values, "repetitions": dict(repetitions), **provenance}


def read_benchmark(path: Path) -> Benchmark:
    """A benchmark from a file of `mecsim bench --out`, or of an earlier version.

    Raises:
        InputError: there is none, or it is damaged.
    """
    cure = "expected a file that mecsim bench --out wrote"
    try:
        return Benchmark.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {cure}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: {where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}; {cure}"
        ) from None
