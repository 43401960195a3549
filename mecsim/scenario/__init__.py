"""Reading scenarios of any system: YAML with human units, checked once, handed on as immutable objects in SI units."""

from mecsim.core.scenario import Scenario
from mecsim.core.system import objectives_of, values_shown
from mecsim.scenario.context import with_context
from mecsim.scenario.json_schema import json_schema, kind_schema
from mecsim.scenario.load import builtin_names, load_scenario, parse_scenario, scenario_to_yaml
from mecsim.scenario.whole import content_of, load_whole, save_whole

__all__ = [
    "Scenario",
    "builtin_names",
    "content_of",
    "json_schema",
    "kind_schema",
    "load_scenario",
    "load_whole",
    "objectives_of",
    "parse_scenario",
    "save_whole",
    "scenario_to_yaml",
    "values_shown",
    "with_context",
]
