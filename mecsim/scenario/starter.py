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
  steps: 100                 # decisions per episode, up to 10,000,000
  step: 1 s                  # time between decisions

users:
  count: 10
  arrival_rate: 0.1 /s       # tasks per second of each user (Poisson)
  mobility:
    model: none              # none: distances are drawn; fixed, waypoint, trace: users have positions
    width: 1000 m            # of the area
    height: 1000 m
    speed: [0.5, 1.5] m/s    # waypoint: drawn for each walk
    pause: 0 s               # waypoint: or a range, drawn for each stop
    file: null               # trace: CSV with user,time_s and x_m,y_m or latitude,longitude

tasks:
  size:
    distribution: exponential  # or deterministic, hyperexponential, uniform (from 0 to twice the mean)
    mean: balanced           # set from load and the servers' total capacity; or a size, such as 20 Mbit
    load: 1.0                # offered load over total capacity, 1 = critically loaded; only with mean: balanced
    scv: 4.0                 # squared coefficient of variation, above 1; only for hyperexponential
    clip: [0.1, 100] Mbit    # sizes are clipped to this range; null for no clipping
  cycles_per_bit: 1000       # CPU cycles per bit of a task
  deadline: null             # from arrival, such as [1, 5] s, drawn per task; null for none
  priorities: [1.0]          # share of each priority class, the most urgent first, such as [0.2, 0.8]
  trace:
    file: null               # CSV with time_s,user,size_bit and perhaps deadline_s,priority: recorded tasks
    start: sequential        # an episode is the next window of the trace; or random

dispatch:
  queue: fifo                # which waiting task is next; or priority, or edf (earliest deadline first)
  waiting_in_delay: false    # whether the delay objective includes the time in this queue

servers:
  cloud:
    count: 1                 # 1 with a cloud, 0 without
    cpu: [3.5, 4.5] GHz      # drawn per episode
    distance: [1000, 2000] m # drawn per user and episode
  edge:
    count: [1, 8]            # a number, or a range drawn per episode; 1 to 1,024
    cpu: [1.75, 2.25] GHz    # drawn per edge and episode
    distance: [50, 500] m    # drawn per user, edge and episode, unless users have positions
    sites: null              # CSV with x_m,y_m or latitude,longitude: where edges stand; needs users.mobility
  device: null               # execution on the user's own device, such as {cpu: [1, 2] GHz, capacitance: 1e-28}
  scheduling: sharing        # tasks on a server share it; or priority: the most urgent class first (preemptive)

channel:
  model: gmorl               # gmorl: hundreds of Mbit/s, as the paper relies on; rayleigh: a textbook link budget;
                             # uma, umi: urban macro and micro cells of 3GPP TR 38.901
  bandwidth: 16.6 MHz        # of each link
  tx_power: 10 mW            # of each user
  fading: episode            # drawn once per episode; or step (every dispatch), ar1 (correlated in time)
  coherence_time: 10 s       # ar1: the field's correlation is 1/e after it
  multipath: rayleigh        # or rician: with a direct path
  rician_k: 9 dB             # rician: its power relative to all others
  interference: false        # true: uploads to one server at the same time disturb each other
  adaptation: shannon        # or cqi: the CQI table of 3GPP TS 38.214
  path_loss_slope: 35        # dB per decade of distance; gmorl, rayleigh
  path_loss_at_1km: 133.6 dB # gmorl, rayleigh
  shadowing: 8 dB            # gmorl: a constant extra loss; rayleigh: standard deviation of log-normal shadowing
  noise_figure: 0 dB         # of the receiver; not for gmorl
  carrier: 3.5 GHz           # uma, umi
  base_station_height: null  # uma, umi: null is 25 m (uma) or 10 m (umi)
  user_height: 1.5 m         # uma, umi

energy:
  model: dynamic             # capacitance × f² per cycle; or power-curve: measured power at each load, idle included
  capacitance: 5e-31         # J·s²/cycle³: a CPU cycle at f Hz takes capacitance × f² joules
  cloud_power: ibm-x5675     # power-curve: also ml110-g5, or powers from idle to full load [50 W, 120 W]
  edge_power: ml110-g5       # power-curve, likewise

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
