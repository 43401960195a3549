"""Mobility: laws of where users are and how they move.

A law is a class in a file of its own and a line of `BUILT_IN`, or an entry point `mecsim.mobility` of another package.
`base` says what it has to do, `paths` what it gives.
"""

BUILT_IN = {
    "none": "mecsim.physics.mobility.nowhere:Nowhere",
    "fixed": "mecsim.physics.mobility.fixed:Fixed",
    "waypoint": "mecsim.physics.mobility.waypoint:Waypoint",
    "trace": "mecsim.physics.mobility.trace:Trace",
}
"""Laws of mecsim by name."""
