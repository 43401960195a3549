"""The commented scenarios that `mecsim init` writes: every key, with its default."""

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

satisfaction: null           # of users with the delays of their tasks, 0 to 5; such as {form: zone, adequate: 40 s,
                             # desired: 10 s, slope_below: 1, slope_above: 1, spread: 0.5} (these are its defaults), or
                             # {form: logistic, centre: 20 s, steepness: 0.1 /s, delay_spread: measured}

objectives: [delay, energy]  # what is traded off, preferences are in this order; also satisfaction, where modelled

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

_PERSONALIZE = """\
# A mecsim scenario. Every key is shown with its default; only `mecsim` and `kind` are needed.
# Quantities carry units (180 kHz, 20 W or 43 dBm, 1 s, 50 m, 64 kbit/s, 9 dB). Check with `mecsim validate`.
# For completion in an editor: `mecsim schema > scenario.schema.json`, and this as the first line:
# yaml-language-server: $schema=scenario.schema.json

mecsim: 1                    # version of this format
kind: personalize            # users ask cells for sessions, each is served at some quality or rejected
description: "My scenario"   # one line, for listings

episode:
  requests: 200              # decisions per episode, up to 10,000,000
  day: weekday               # on which an episode may begin; or weekend, any
  hours: [17, 21]            # between which it begins; the context of its requests is of then

users:
  count: 50                  # in all cells together
  seed: null                 # null: other people in every episode; or those of `mecsim dataset --seed`

service:
  levels: 5                  # rates from the minimum to the demanded one
  load: 13                   # offered to each cell, in erlangs: arrival rate times mean duration

cells:
  count: 1                   # more stand in rings of hexagons around the first
  blocks: 50                 # resource blocks of each
  block_bandwidth: 180 kHz
  distance: 800 m            # of neighbouring cells
  candidates: 1              # cells, those with the strongest signal, that may serve a request

radio:
  model: uma                 # urban macro cells of 3GPP TR 38.901; or umi
  carrier: 2 GHz
  tx_power: 20 W             # of a cell over all its blocks
  noise_figure: 9 dB         # of a device
  base_station_height: null  # null is 25 m (uma) or 10 m (umi)
  user_height: 1.5 m
  fading: rayleigh           # drawn for each session; or none
  interference: true         # other cells disturb, as if they sent on all their blocks

population:                  # keys that are free names (personas, applications) replace all of the default ones
  personas:                  # shares sum to 1; positions: 0 is the minimum rate, 1 the demanded one, on a logarithm
    professional:
      share: 0.35
      requests_per_day: 20
      weekday: {0: home, 7.5: route, 8.5: work, 12: restaurant, 13: work, 17.5: route, 18.5: home}  # from which hour
      weekend: {0: home, 10.5: route, 11: mall, 14: restaurant, 15.5: route, 16: home}
      applications: {voice: 0.2, video_call: 0.2, streaming: 0.1, gaming: 0.05, browsing: 0.3, download: 0.1, ar: 0.05}
      adequate: 0.3          # position of what is just accepted: rating 2
      desired: 0.75          # position of what is hoped for: rating 4
      exponent: 1.3          # form power: above 1 is demanding, below 1 tolerant
      delay_centre: 0.45 s   # form logistic: delay of the rating 2.5
      delay_steepness: 1.72 /s
      delay_sensitivity: 0.25 /s  # form iqx
      travel_speed: [5, 20] m/s   # on the route
      shifts: {after_midnight: -0.06, early_morning: 0.1, morning: 0.08, mid_day: -0.05, walking: -0.05, upstairs: -0.08,
               downstairs: -0.08, work: 0.06, route: 0.04, restaurant: -0.04}  # of both positions, by context
    university_student:
      share: 0.2
      requests_per_day: 24
      weekday: {0: home, 9: route, 9.5: school, 12.5: coffee_shop, 13.5: school, 17: coffee_shop, 19: route, 19.5: home}
      weekend: {0: home, 12: route, 12.5: coffee_shop, 15: mall, 18: restaurant, 20: route, 20.5: home}
      applications: {voice: 0.1, video_call: 0.12, streaming: 0.25, gaming: 0.13, browsing: 0.25, download: 0.1, ar: 0.05}
      adequate: 0.2
      desired: 0.65
      exponent: 0.9
      shifts: {after_midnight: -0.06, early_morning: 0.1, morning: 0.08, mid_day: -0.05, walking: -0.05, upstairs: -0.08,
               downstairs: -0.08, school: 0.04, coffee_shop: -0.04}
    school_student:
      share: 0.2
      requests_per_day: 20
      weekday: {0: home, 7: route, 8: school, 15: route, 15.75: home}
      weekend: {0: home, 13: route, 13.5: mall, 17: route, 17.5: home}
      applications: {voice: 0.08, video_call: 0.1, streaming: 0.25, gaming: 0.27, browsing: 0.17, download: 0.05, ar: 0.08}
      adequate: 0.15
      desired: 0.6
      exponent: 0.8
      travel_speed: [4, 12] m/s
      shifts: {after_midnight: -0.06, early_morning: 0.1, morning: 0.08, mid_day: -0.05, walking: -0.05, upstairs: -0.08,
               downstairs: -0.08, home: 0.05, school: -0.05}
    homemaker:
      share: 0.25
      requests_per_day: 14
      weekday: {0: home, 10: route, 10.5: mall, 12: route, 12.5: home, 16: coffee_shop, 17.5: home}
      weekend: {0: home, 12.5: restaurant, 14.5: mall, 16.5: route, 17: home}
      applications: {voice: 0.25, video_call: 0.13, streaming: 0.25, gaming: 0.05, browsing: 0.25, download: 0.05, ar: 0.02}
      adequate: 0.25
      desired: 0.7
      delay_centre: 0.7 s
      shifts: {after_midnight: -0.06, early_morning: 0.1, morning: 0.08, mid_day: -0.05, walking: -0.05, upstairs: -0.08,
               downstairs: -0.08, home: 0.03, mall: -0.05, coffee_shop: -0.05}
  applications:              # duration: the mean of an exponential one; or add duration_distribution: fixed
    voice: {min_rate: 24 kbit/s, demand_rate: 64 kbit/s, duration: 120 s, shift: 0.1}
    video_call: {min_rate: 300 kbit/s, demand_rate: 1.5 Mbit/s, duration: 300 s, shift: 0.05}
    streaming: {min_rate: 700 kbit/s, demand_rate: 4 Mbit/s, duration: 240 s, shift: 0}
    gaming: {min_rate: 100 kbit/s, demand_rate: 500 kbit/s, duration: 600 s, shift: 0.08}
    browsing: {min_rate: 250 kbit/s, demand_rate: 2 Mbit/s, duration: 30 s, shift: -0.03}
    download: {min_rate: 500 kbit/s, demand_rate: 5 Mbit/s, duration: 60 s, shift: -0.1}
    ar: {min_rate: 1.5 Mbit/s, demand_rate: 6 Mbit/s, duration: 120 s, shift: 0.05}
  profile: {after_midnight: 0.15, early_morning: 0.5, morning: 1, mid_day: 1.2, afternoon: 1.3, night: 1.5}  # of requests
  activities:                # shares at each place
    home: {laying: 0.3, sitting: 0.45, standing: 0.1, walking: 0.1, upstairs: 0.03, downstairs: 0.02}
    work: {sitting: 0.7, standing: 0.12, walking: 0.12, upstairs: 0.03, downstairs: 0.03}
    school: {sitting: 0.65, standing: 0.12, walking: 0.15, upstairs: 0.04, downstairs: 0.04}
    coffee_shop: {sitting: 0.75, standing: 0.18, walking: 0.07}
    restaurant: {sitting: 0.85, standing: 0.08, walking: 0.07}
    mall: {sitting: 0.15, standing: 0.25, walking: 0.5, upstairs: 0.05, downstairs: 0.05}
    route: {sitting: 0.5, standing: 0.2, walking: 0.26, upstairs: 0.02, downstairs: 0.02}
  speeds: {walking: "[0.8, 1.8] m/s", upstairs: "[0.3, 0.7] m/s", downstairs: "[0.4, 0.9] m/s"}
  request_spread: 0.3        # how people differ in how often they ask (log-normal)
  schedule_spread: 1800 s    # how people differ in how late they are

satisfaction:
  form: zone                 # how a rating depends on quality: zone, power; of a delay: logistic, iqx
  spread: 0.25               # how people of a persona differ (log-normal)
  delay_spread: measured     # logistic: as people of a study differed; or log-normal
  slope_below: 1             # zone: slopes relative to that inside the zone
  slope_above: 1
  wait_at_demand: null       # logistic, iqx: delay at the demanded rate; null: 0.1 s, 1 s
  noise: normal              # of what people say; or sos: least at the ends of the scale
  noise_deviation: 0.3       # normal: of a rating
  sos: 0.25                  # sos: the factor a
  predictor: oracle          # what decisions know of people: all; typical: their persona; or a file of `mecsim fit`

objectives: [satisfaction, saved_resources]  # what is traded off; preferences are given in this order

observation:
  residual:                  # histogram of the block-seconds that active sessions have still to get
    bins: 20                 # the last bin is open
    width: 100               # block-seconds
  rating_bins: 10            # histogram of the users' mean satisfaction so far
  cost_features: true        # show what each option would bring at once

evaluation:
  scale: null                # what counts as 1, such as {satisfaction: 2, saved_resources: 0.6}; null means measured

training:
  steps: 1000000             # environment steps of `mecsim train`
"""  # noqa: E501  (tables of a file that users read)

_STARTERS = {"offload": _OFFLOAD, "personalize": _PERSONALIZE}


def starter_yaml(kind: str) -> str:
    """The starter scenario of `kind` as YAML text. Raises InputError for an unknown kind."""
    if kind not in _STARTERS:
        raise InputError(f"no starter scenario of kind {kind!r}, expected {' or '.join(map(repr, _STARTERS))}")
    return _STARTERS[kind]
