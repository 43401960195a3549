"""Radio channels: laws of the gain of links, and what is made of a gain: fading, SNR, rate.

A channel is a class in a file of its own (`gmorl`, `rayleigh`, `urban`), and a line of `BUILT_IN` or an entry point
`mecsim.channels` of another package. `base` says what it has to do.
"""

BUILT_IN = {
    "gmorl": "mecsim.physics.channel.gmorl:Gmorl",
    "rayleigh": "mecsim.physics.channel.rayleigh:Rayleigh",
    "uma": "mecsim.physics.channel.urban:UrbanMacro",
    "umi": "mecsim.physics.channel.urban:UrbanMicro",
}
"""Channel models of mecsim by name."""
