"""Helpers of kernels as Python can call them, to test each by itself."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from mecsim.core.compiled import allocating_kernel
from mecsim.physics import contended_server, delay_rating, processor_sharing, threshold_index
from mecsim.predictor import trees
from mecsim.systems.offload.policies import hindsight

Function = TypeVar("Function", bound=Callable[..., object])


def _from_python(helper: Function) -> Function:
    return allocating_kernel(cast(Function, cast(Any, helper).py_func))


added_delay_s = _from_python(processor_sharing.added_delay_s)
advance = _from_python(processor_sharing.advance)
send = _from_python(processor_sharing.send)
index_attained_bit = _from_python(threshold_index.attained_bit)
index_clear = _from_python(threshold_index.clear)
index_count_until = _from_python(threshold_index.count_until)
index_insert = _from_python(threshold_index.insert)
index_remove_first = _from_python(threshold_index.remove_first)
index_shared_bit = _from_python(threshold_index.shared_bit)
index_sum_bit = _from_python(threshold_index.sum_bit)
advance_jobs = _from_python(contended_server.advance_jobs)
outlook = _from_python(contended_server.outlook)
prepare = _from_python(contended_server.prepare)
send_job = _from_python(contended_server.send_job)
shortfall_of = _from_python(delay_rating.shortfall_of)
add_curve = _from_python(trees.add_curve)
server_cost = _from_python(hindsight._cost_of)
