"""Device, threads and determinism of a job."""

import os

import torch
from threadpoolctl import threadpool_limits

from semcom.files.errors import SemcomError
from semcom.params.sections import Compute


def set_up(compute: Compute, *, index: int = 0) -> torch.device:
    """Set the number of threads for torch and BLAS, and deterministic algorithms; return the device.

    Args:
        compute: what the params file asks for.
        index: of the GPU, where several processes have one each.

    Raises:
        SemcomError: a GPU is asked for and none is there.
    """
    if compute.device == "cuda" and not torch.cuda.is_available():
        raise SemcomError(
            "compute.device is cuda, but torch finds no CUDA device here; set compute.device: cpu, "
            "or run the job where a GPU is"
        )
    torch.set_num_threads(compute.threads)
    threadpool_limits(compute.threads)
    if compute.device == "cuda":
        torch.backends.cudnn.benchmark = not compute.deterministic
        if compute.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)
        return torch.device("cuda", index)
    return torch.device("cpu")
