"""What arrays of records have in common that are linked by positions instead of pointers."""

from typing import Any

from numpy.typing import NDArray

Records = NDArray[Any]  # of a record type that is told where one is used

NONE = -1  # the position of nothing: the end of a list, a missing child
