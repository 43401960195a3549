"""Errors that mecsim raises on purpose: one tree, one line each, with the cause and the cure.

MecsimError
└── InputError            what the user gave cannot be used (exit code 2)
    ├── FindingsError     several things that are wrong, told at once
    │   ├── ScenarioError a scenario file or its values
    │   └── LogError      a request log
    └── RunError          a run folder: missing, of another format, or in the way
"""


class MecsimError(Exception):
    """Base of every error that mecsim raises on purpose."""


class InputError(MecsimError):
    """What the user gave cannot be used; the message says what to give instead."""


class FindingsError(InputError):
    """What cannot be used for several reasons. `problems` holds one line per finding, as `FILE:LINE: key: cause`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ScenarioError(FindingsError):
    """A scenario that cannot be used."""


class LogError(FindingsError):
    """A request log that cannot be used; columns take the place of keys."""


class RunError(InputError):
    """A run folder that cannot be read, continued or written."""
