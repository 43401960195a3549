"""Errors that mecsim raises on purpose: one tree, one line each, with the cause and the cure.

MecsimError
└── InputError            what the user gave cannot be used (exit code 2)
    ├── ScenarioError     a scenario file or its values
    └── RunError          a run folder: missing, of another format, or in the way
"""


class MecsimError(Exception):
    """Base of every error that mecsim raises on purpose."""


class InputError(MecsimError):
    """What the user gave cannot be used; the message says what to give instead."""


class ScenarioError(InputError):
    """A scenario that cannot be used. `problems` holds one line per finding, as `FILE:LINE: key: cause`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RunError(InputError):
    """A run folder that cannot be read, continued or written."""
