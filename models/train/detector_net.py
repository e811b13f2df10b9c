"""Finds plates: ten numbers for each cell of strides 8, 16 and 32 (`corners_v1`)."""

import torch
from occupancy_net import conv
from torch import nn
from torch.nn import functional as fn


class Squeezed(nn.Module):
    """A residual block that thinks in half its width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = conv(width, width // 2, kernel=1)
        self.up = nn.Sequential(
            nn.Conv2d(width // 2, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.up(self.down(x)))


class Apart(nn.Sequential):
    """Depthwise 5 by 5, then pointwise."""

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            conv(width, width, kernel=1),
        )


class DetectorNet(nn.Module):
    """(n, 3, h, w) -> (n, cells, 10); h and w are multiples of 32."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 2), conv(16, 32, 2))
        self.eight = nn.Sequential(conv(32, 64, 2), Squeezed(64))
        self.sixteen = nn.Sequential(conv(64, 96, 2), Squeezed(96))
        self.thirtytwo = nn.Sequential(conv(96, 128, 2), Squeezed(128), Squeezed(128))
        self.sides = nn.ModuleList(nn.Conv2d(c, width, 1) for c in (64, 96, 128))
        self.merge = nn.ModuleList(Apart(width) for _ in range(3))
        self.score = nn.Sequential(Apart(width), nn.Conv2d(width, 2, 1))
        self.shape = nn.Sequential(Apart(width), nn.Conv2d(width, 8, 1))
        self.sizes = nn.Parameter(torch.ones(3))
        last = self.score[-1]
        if isinstance(last, nn.Conv2d) and last.bias is not None:
            nn.init.constant_(last.bias, -4.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        eight = self.eight(self.stem(x))
        sixteen = self.sixteen(eight)
        deep = self.thirtytwo(sixteen)
        third = self.merge[2](self.sides[2](deep))
        second = self.merge[1](self.sides[1](sixteen) + fn.interpolate(third, scale_factor=2.0))
        first = self.merge[0](self.sides[0](eight) + fn.interpolate(second, scale_factor=2.0))
        rows = []
        for level, features in enumerate((first, second, third)):
            shape = self.shape(features) * self.sizes[level]
            rows.append(torch.cat([self.score(features), shape], 1).flatten(2))
        return torch.cat(rows, 2).transpose(1, 2)
