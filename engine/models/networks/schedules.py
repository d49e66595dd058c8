"""How the learning rate goes over a training, as a factor on the declared one.  Light."""

from __future__ import annotations

import math

from engine.models.networks.layers import Training


def factor(training: Training, step: int, steps: int) -> float:
    """The factor for a step (0 …) of so many in all.

    warm_up: the share of the steps over which it rises from 0 in a line.  coslog4: ½(1 − cos 2π·log₂(1 + 15t)), four
    waves, each twice as long as the one before (Holzmüller et al. 2024).  cosine: ½(1 + cos πt) after the warm-up.
    """
    t = step / max(steps, 1)
    if training.warm_up and t < training.warm_up:
        return (step + 1) / max(1.0, training.warm_up * steps)
    if training.schedule == "coslog4":
        return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * t)))
    if training.schedule == "cosine":
        rest = (t - training.warm_up) / max(1e-12, 1 - training.warm_up)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, rest)))
    return 1.0


def changes(training: Training) -> bool:
    """Whether the rate is another at another step."""
    return training.schedule != "constant" or training.warm_up > 0
