"""Reads a plate: a convolutional trunk, then one look of attention for each of eight slots.

A second head for CTC over the columns helps the trunk to learn and is left out of the export.
"""

import torch
from occupancy_net import Depthwise, Residual, conv
from torch import nn

from drivers.camera.vision.grammar import ALPHABET, COLOURS, SLOTS

CLASSES = len(ALPHABET) + 1
WIDTH, HEIGHT = 192, 48  # of the input
ROWS, COLUMNS = 3, 48  # of the trunk's output


class Context(nn.Module):
    """Lets each place know what stands left and right of it."""

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            Depthwise(width, (3, reach)),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.mix(x))


class ReaderNet(nn.Module):
    """(n, 3, 48, 192) -> slots (n, 8, 73), colour (n, 6); while training also CTC (n, 48, 73)."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            conv(3, 32, 2, 5),
            conv(32, 48, 2),
            Residual(48),
            conv(48, 96, (2, 1)),
            Residual(96),
            conv(96, width, (2, 1)),
        )
        self.place = nn.Parameter(torch.randn(1, width, ROWS, COLUMNS) * 0.02)
        self.context = nn.Sequential(Context(width, 11), Context(width, 15))
        self.look = nn.Conv2d(width, SLOTS, 1)
        self.slot = nn.Parameter(torch.randn(1, SLOTS, width) * 0.02)
        self.mix = nn.Linear(width, width)
        self.drop = nn.Dropout(0.15)
        self.letter = nn.Linear(width, CLASSES)
        self.colour = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, len(COLOURS)))
        self.ctc = nn.Linear(width, CLASSES)
        self.aside = False  # with the CTC head

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        early = self.trunk[:3](x)
        features = self.trunk[3:](early)
        context = self.context(features + self.place)
        looks = self.look(context).flatten(2).softmax(2)
        seen = looks @ (features + context).flatten(2).transpose(1, 2)
        slots = self.letter(self.drop(torch.relu(self.mix(seen + self.slot))))
        colour = self.colour(early.mean((2, 3)))
        if not self.aside:
            return slots, colour
        return slots, colour, self.ctc(features.mean(2).transpose(1, 2))
