"""How much of its dimensions a representation uses."""

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError


def effective_rank(features: NDArray[np.floating]) -> float:
    """Exponential of the entropy of the normalised singular values.

    exp(-sum_i p_i ln p_i) with p_i = s_i / sum s (Roy & Vetterli 2007; the RankMe of Garrido et al. 2023,
    arXiv 2210.02885). Features are not centred, as in both.

    Args:
        features: (N, D).

    Returns:
        Between 1 (collapsed onto one direction) and min(N, D); 0 where all features are zero.

    Raises:
        SemcomError: features are not a matrix, or not finite.
    """
    if features.ndim != 2 or not features.size or not np.isfinite(features).all():
        raise SemcomError(f"effective rank needs finite features of shape (N, D), but has {features.shape}")
    singular = np.linalg.svd(features, compute_uv=False)
    total = singular.sum()
    if total == 0:
        return 0.0
    share = singular[singular > 0] / total
    return float(np.exp(-(share * np.log(share)).sum()))
