"""Arrivals: laws of when something arrives, at a given mean rate.

A law is a class in a file of its own and a line of `BUILT_IN`, or an entry point `mecsim.arrivals` of another package.
`base` says what it has to do; `section` is the part of a scenario that names one.
"""

BUILT_IN = {
    "poisson": "mecsim.physics.arrivals.poisson:PoissonArrivals",
    "gamma": "mecsim.physics.arrivals.gamma:GammaArrivals",
}
"""Laws of mecsim by name."""
