"""Given places on the plane of a scenario's area, and which of them lie outside of it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.geography import middle, to_plane_m
from mecsim.schema.fields import Finding
from mecsim.systems.offload.data import MobilityTrace, Positions
from mecsim.systems.offload.demand import Users
from mecsim.systems.offload.network import Servers

Array = NDArray[np.float64]

ROUNDING_M = 1e-3  # by so much a place may lie outside that is meant to be on the border


class Placed(Protocol):
    """What is asked of a scenario here."""

    @property
    def users(self) -> Users: ...
    @property
    def servers(self) -> Servers: ...
    @property
    def mobility_trace(self) -> MobilityTrace | None: ...
    @property
    def sites(self) -> Positions | None: ...


def plane_m(scenario: Placed, positions: Positions) -> Array:
    """Given places in metres, (P, 2); those beyond the area on its border, if the scenario clips them."""
    mobility = scenario.users.mobility
    places_m = _projected_m(scenario, positions)
    return np.clip(places_m, 0.0, mobility.area_m) if mobility.outside == "clip" else places_m


def beyond_area(scenario: Placed) -> list[Finding]:
    """Of sites and recorded positions, how many lie beyond the area; each with the key that gives them."""
    trace, mobility = scenario.mobility_trace, scenario.users.mobility
    site_key = "servers.edges" if scenario.servers.edges else "servers.edge.sites"
    given = {site_key: scenario.sites, "users.mobility.file": trace.positions if trace else None}
    nouns = {site_key: "sites", "users.mobility.file": "recorded positions"}
    findings: list[Finding] = []
    for key, positions in given.items():
        if positions is None or not mobility.law.HAS_PLACES:
            continue
        places_m = _projected_m(scenario, positions)
        beyond_m = np.maximum(-places_m, places_m - mobility.area_m).max(axis=1)
        outside = beyond_m > ROUNDING_M
        if outside.any():
            area = " by ".join(f"{side:g}" for side in mobility.area_m)
            told = f"{outside.sum():,} of {len(outside):,} {nouns[key]} lie outside the area of {area} m"
            findings.append((key, f"{told}, up to {beyond_m.max():,.0f} m"))
    return findings


def area_remarks(scenario: Placed) -> list[str]:
    """The same in words, with the cure, unless the scenario says what is to become of such places."""
    if scenario.users.mobility.outside != "tell":
        return []
    cure = "enlarge users.mobility.width and height, or set users.mobility.outside"
    return [f"{key}: {told}; {cure}" for key, told in beyond_area(scenario)]


def _projected_m(scenario: Placed, positions: Positions) -> Array:
    """Degrees are projected so that the middle of the sites, or of the users' positions where no sites are given, comes
    to lie in the middle of the area."""
    if not positions.in_degrees:
        return positions.values
    common = scenario.sites or positions
    return to_plane_m(positions.values, middle(common.values)) + 0.5 * scenario.users.mobility.area_m
