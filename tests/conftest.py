"""Hypothesis draws the same examples every time and has no deadline, so that no test depends on luck or on speed."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "mecsim",
    database=None,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mecsim")
