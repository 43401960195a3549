"""Forms of satisfaction: laws of how a rating, 0 to 5, depends on the rate that someone is given.

A form is a class in a file of its own and a line of `BUILT_IN`, or an entry point `mecsim.satisfaction` of another
package. `base` says what it has to do.
"""

BUILT_IN = {
    "zone": "mecsim.people.forms.zone:ZoneForm",
    "power": "mecsim.people.forms.power:PowerForm",
    "logistic": "mecsim.people.forms.logistic:LogisticForm",
    "iqx": "mecsim.people.forms.iqx:IqxForm",
}
"""Forms of mecsim by name."""
