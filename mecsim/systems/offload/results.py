"""Results on their way back to the user: at the rate of the link by which the task went, when it is finished.

The way back is the user's alone, so it adds a time that is known at the dispatch, and disturbs nobody.
"""

from typing import Any

from mecsim.core.compiled import compiled_inline
from mecsim.systems.offload.layout import OffloadSpec
from mecsim.systems.offload.state import State


@compiled_inline
def result_s(spec: OffloadSpec, state: State, n: int, server: int, turn: Any) -> float:
    """How long the result of a turn's task is on its way back from a server; from a device it has none."""
    if not spec.output or server >= spec.max_servers:
        return 0.0
    return float(turn.output_bit / state.rate_bit_per_s[n, turn.link, server])
