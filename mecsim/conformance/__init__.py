"""What every system has to keep, checked for any system: built in, or brought by another package.

`check_system("NAME")` checks everything of a system, scenario by scenario and engine by engine; the tests of a package
that brings one need no more than this call. Checks raise AssertionError, with what differs.
"""

from mecsim.conformance.check import CHECKS, check_system
from mecsim.conformance.subject import Subject, subjects

__all__ = ["CHECKS", "Subject", "check_system", "subjects"]
