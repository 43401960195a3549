"""The commented scenario that `mecsim init` writes: every key, with its default."""

from mecsim.errors import InputError

_OFFLOAD = """\
# A mecsim scenario. Every key is shown with its default; only `mecsim` and `kind` are needed.
# Quantities carry units (16.6 MHz, 10 mW or 10 dBm, 1 s, 50 m, 100 Mbit, 8 dB).
# [3.5, 4.5] GHz is a uniform range, drawn anew per episode. Check with `mecsim validate`.
# For completion in an editor: `mecsim schema > scenario.schema.json`, and this as the first line:
# yaml-language-server: $schema=scenario.schema.json

mecsim: 1                    # version of this format
kind: offload                # tasks of users run on a cloud or on edge servers
description: "My scenario"   # one line, for listings

episode:
  steps: 100                 # decisions per episode, up to 10,000
  step: 1 s                  # time between decisions

users:
  count: 10
  arrival_rate: 0.1 /s       # tasks per second of each user (Poisson)

tasks:
  size:
    distribution: exponential  # or deterministic, hyperexponential, uniform (from 0 to twice the mean)
    mean: balanced           # set from load and the servers' total capacity; or a size, such as 20 Mbit
    load: 1.0                # offered load over total capacity, 1 = critically loaded; only with mean: balanced
    scv: 4.0                 # squared coefficient of variation, above 1; only for hyperexponential
    clip: [0.1, 100] Mbit    # sizes are clipped to this range; null for no clipping
  cycles_per_bit: 1000       # CPU cycles per bit of a task

dispatch:
  queue: fifo                # waiting tasks are dispatched first come, first served

servers:
  cloud:
    count: 1                 # 1 with a cloud, 0 without
    cpu: [3.5, 4.5] GHz      # drawn per episode
    distance: [1000, 2000] m # drawn per user and episode
  edge:
    count: [1, 8]            # a number, or a range drawn per episode; 1 to 256
    cpu: [1.75, 2.25] GHz    # drawn per edge and episode
    distance: [50, 500] m    # drawn per user, edge and episode

channel:
  model: gmorl               # gmorl: hundreds of Mbit/s, as the paper relies on; rayleigh: a textbook link budget
  bandwidth: 16.6 MHz        # of each link
  tx_power: 10 mW            # of each user
  fading: episode            # Rayleigh fading is drawn once per episode
  interference: false        # uploads do not disturb each other
  path_loss_slope: 35        # dB per decade of distance
  path_loss_at_1km: 133.6 dB
  shadowing: 8 dB            # gmorl: a constant extra loss; rayleigh: standard deviation of log-normal shadowing
  noise_figure: 0 dB         # of the receiver; rayleigh only

energy:
  capacitance: 5e-31         # J·s²/cycle³: a CPU cycle at f Hz takes capacitance × f² joules

objectives: [delay, energy]  # what is traded off; preferences are given in this order

observation:
  histogram:                 # of the residual task sizes on each server
    bins: 60                 # the last bin is open
    width: 1 Mbit
  cost_features: true        # show the immediate cost of choosing each server

evaluation:                  # totals of one episode; null means measured
  reference: null            # hypervolume's reference point, such as {delay: 3000 s, energy: 6 J}
  scale: null                # what counts as 1 in the scalarised cost, such as {delay: 200 s, energy: 0.54 J}

training:
  steps: 1000000             # environment steps of `mecsim train`
"""


def starter_yaml(kind: str) -> str:
    """The starter scenario of `kind` as YAML text. Raises InputError for an unknown kind."""
    if kind != "offload":
        raise InputError(f"no starter scenario of kind {kind!r}, expected 'offload'")
    return _OFFLOAD
