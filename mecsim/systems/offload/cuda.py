"""The batched engine on a GPU: the same kernels, with a thread per episode."""

from mecsim.core.cuda import Cuda, why_not
from mecsim.systems.offload.batched import BatchedOffloadEngine


class CudaOffloadEngine(BatchedOffloadEngine):
    """`BatchedOffloadEngine` on the current CUDA device: what it hands out are PyTorch's tensors there."""

    target_type = Cuda
    why_not = staticmethod(why_not)
