"""Functions of tensors whose kernels are recorded on a GPU and replayed as one, so that none waits for Python."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

WARM_UP = 3
"""Calls before the recording; they allocate what is allocated at first use."""


class Captured:
    """Calls a function of tensors, which returns a tensor; on a CUDA device it becomes a CUDA graph.

    The function must do the same whatever the tensors hold: it may wait for no answer, copy nothing from the processor,
    and draw nothing. What else it reads or writes, such as parameters, has to stay where it is. Tensors of other shapes
    are another function, which is recorded anew. On any other device it is just called.
    """

    def __init__(self, function: Callable[..., Tensor], device: torch.device) -> None:
        self._function, self._device = function, device
        self._shapes: list[torch.Size] = []
        self._calls = 0
        self._held: list[Tensor] = []
        self._graph: torch.cuda.CUDAGraph | None = None
        self._result: Tensor

    def __call__(self, *given: Tensor) -> Tensor:
        """Return what the function does, in memory of its own."""
        if self._device.type != "cuda":
            return self._function(*given)
        if [tensor.shape for tensor in given] != self._shapes:
            self._shapes, self._calls, self._graph = [tensor.shape for tensor in given], 0, None
        self._calls += 1
        if self._calls <= WARM_UP:
            return self._beside(given)
        if self._graph is None:
            self._record(given)
        for held, tensor in zip(self._held, given, strict=True):
            held.copy_(tensor)
        cast(torch.cuda.CUDAGraph, self._graph).replay()
        return self._result.clone()

    def _beside(self, given: tuple[Tensor, ...]) -> Tensor:
        """Call it in a stream of its own, as it will be when it is recorded."""
        current, own = torch.cuda.current_stream(self._device), torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        own.wait_stream(current)
        with torch.cuda.stream(own):
            result = self._function(*given)
        current.wait_stream(own)
        result.record_stream(current)
        return result

    def _record(self, given: tuple[Tensor, ...]) -> None:
        self._held = [tensor.clone() for tensor in given]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device), torch.cuda.graph(graph):
            self._result = self._function(*self._held)
        self._graph = graph
