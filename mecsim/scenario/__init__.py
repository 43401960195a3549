"""Scenarios: read from YAML with human units, checked once, and handed on as immutable objects in SI units."""

from mecsim.scenario.context import with_context
from mecsim.scenario.load import builtin_names, load_scenario, parse_scenario, scenario_to_yaml
from mecsim.scenario.model import (
    Channel,
    Cloud,
    Dispatch,
    Edge,
    Energy,
    Episode,
    Evaluation,
    Histogram,
    ObjectiveValues,
    Observation,
    Scenario,
    Servers,
    Tasks,
    TaskSize,
    Training,
    Users,
)
from mecsim.scenario.schema import json_schema
from mecsim.scenario.starter import starter_yaml
from mecsim.scenario.units import CountRange, Uniform

__all__ = [
    "Channel",
    "Cloud",
    "CountRange",
    "Dispatch",
    "Edge",
    "Energy",
    "Episode",
    "Evaluation",
    "Histogram",
    "ObjectiveValues",
    "Observation",
    "Scenario",
    "Servers",
    "TaskSize",
    "Tasks",
    "Training",
    "Uniform",
    "Users",
    "builtin_names",
    "json_schema",
    "load_scenario",
    "parse_scenario",
    "scenario_to_yaml",
    "starter_yaml",
    "with_context",
]
