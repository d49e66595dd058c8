"""Changes of pictures that leave their label as it is, drawn anew at every step."""

from __future__ import annotations

from typing import Any

from engine.models.networks.backend import load_torch
from engine.models.networks.layers import Training, reach


def augmented(x: Any, training: Training) -> Any:
    """Pictures moved by whole pixels up to ±shift of a side (zeros come in), and mirrored by chance where that is
    allowed.

    x: (batch, height, width, channel).
    """
    n, height, width = x.shape[:3]
    down, across = reach(height, training.shift), reach(width, training.shift)
    if not (down or across or training.mirror):
        return x
    torch = load_torch()
    if training.mirror:
        turned = torch.randint(0, 2, (n, 1, 1, 1), device=x.device, dtype=torch.bool)
        x = torch.where(turned, x.flip(2), x)
    if not (down or across):
        return x
    wide = torch.nn.functional.pad(x, (0, 0, across, across, down, down))
    top = torch.randint(0, 2 * down + 1, (n, 1), device=x.device) + torch.arange(height, device=x.device)
    left = torch.randint(0, 2 * across + 1, (n, 1), device=x.device) + torch.arange(width, device=x.device)
    row = torch.arange(n, device=x.device)[:, None, None]
    return wide[row, top[:, :, None], left[:, None, :]]
