"""Changes of pictures that leave their label as it is, drawn anew at every step."""

from __future__ import annotations

from typing import Any

from engine.models.networks.backend import load_torch
from engine.models.networks.layers import Training


def augmented(x: Any, training: Training) -> Any:
    """Pictures moved by up to ±shift of a side (zeros come in), and mirrored by chance where that is allowed.

    x: (batch, height, width, channel).  Parts of a pixel are interpolated between pixels.
    """
    if not training.shift and not training.mirror:
        return x
    torch = load_torch()
    n = len(x)
    by = 2 * training.shift * (2 * torch.rand((n, 2), device=x.device) - 1)  # a side is 2 long to grid_sample
    turn = torch.zeros((n, 2, 3), device=x.device)
    turn[:, 0, 0] = turn[:, 1, 1] = 1.0
    if training.mirror:
        turn[:, 0, 0] = 1.0 - 2.0 * torch.randint(0, 2, (n,), device=x.device)
    turn[:, :, 2] = by
    grid = torch.nn.functional.affine_grid(turn, [n, x.shape[3], x.shape[1], x.shape[2]], align_corners=False)
    moved = torch.nn.functional.grid_sample(x.permute(0, 3, 1, 2), grid, align_corners=False)
    return moved.permute(0, 2, 3, 1)
