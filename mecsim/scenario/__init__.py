"""Scenarios: read from YAML with human units, checked once, and handed on as immutable objects in SI units."""

from mecsim.scenario.cell import CellScenario
from mecsim.scenario.context import with_context
from mecsim.scenario.data import MobilityTrace, Positions, TaskTrace, steps_of
from mecsim.scenario.delay_satisfaction import DelaySatisfaction
from mecsim.scenario.demand import Dispatch, Mobility, Tasks, TaskSize, Trace, Users
from mecsim.scenario.kinds import AnyScenario
from mecsim.scenario.load import builtin_names, load_scenario, parse_scenario, scenario_to_yaml
from mecsim.scenario.model import Episode, Evaluation, Histogram, ObjectiveValues, Observation, Scenario, Training
from mecsim.scenario.network import Channel, Cloud, Device, Edge, Energy, Servers
from mecsim.scenario.objectives import Shown, shown_objectives, values_shown
from mecsim.scenario.schema import json_schema, kind_schema
from mecsim.scenario.starter import starter_yaml
from mecsim.scenario.units import CountRange, Uniform

__all__ = [
    "AnyScenario",
    "CellScenario",
    "Channel",
    "Cloud",
    "CountRange",
    "DelaySatisfaction",
    "Device",
    "Dispatch",
    "Edge",
    "Energy",
    "Episode",
    "Evaluation",
    "Histogram",
    "Mobility",
    "MobilityTrace",
    "ObjectiveValues",
    "Observation",
    "Positions",
    "Scenario",
    "Servers",
    "Shown",
    "TaskSize",
    "TaskTrace",
    "Tasks",
    "Trace",
    "Training",
    "Uniform",
    "Users",
    "builtin_names",
    "json_schema",
    "kind_schema",
    "load_scenario",
    "parse_scenario",
    "scenario_to_yaml",
    "shown_objectives",
    "starter_yaml",
    "steps_of",
    "values_shown",
    "with_context",
]
