"""Forms of satisfaction with delays: laws of how a rating, 0 to 5, depends on the delay of a task.

A form is a class in a file of its own and a line of `BUILT_IN`, or an entry point `mecsim.delay_satisfaction` of
another package. `base` says what it has to do.
"""

BUILT_IN = {
    "zone": "mecsim.physics.delay_forms.zone:ZoneDelay",
    "logistic": "mecsim.physics.delay_forms.logistic:LogisticDelay",
}
"""Forms of mecsim by name."""
