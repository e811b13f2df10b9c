"""Finds plates: ten numbers for each cell of strides 8, 16 and 32 (`corners_v1`)."""

import torch
from occupancy_net import Depthwise, conv
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
            Depthwise(width, (5, 5)),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            conv(width, width, kernel=1),
        )


class Head(nn.Module):
    """One for each stride: were it shared, its normalisation would learn the mean of three
    different distributions, and corners would come out too far apart."""

    def __init__(self, width: int) -> None:
        super().__init__()
        last = nn.Conv2d(width, 2, 1)
        self.score = nn.Sequential(Apart(width), last)
        self.shape = nn.Sequential(Apart(width), Apart(width), nn.Conv2d(width, 8, 1))
        if last.bias is not None:
            nn.init.constant_(last.bias, -4.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 10, cells)"""
        return torch.cat([self.score(x), self.shape(x)], 1).flatten(2)


class DetectorNet(nn.Module):
    """(n, 3, h, w) -> (n, cells, 10); h and w are multiples of 32."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 2), conv(16, 32, 2))
        self.eight = nn.Sequential(conv(32, 64, 2), Squeezed(64))
        self.sixteen = nn.Sequential(conv(64, 96, 2), Squeezed(96), Squeezed(96))
        self.thirtytwo = nn.Sequential(conv(96, 128, 2), Squeezed(128), Squeezed(128))
        self.sides = nn.ModuleList(nn.Conv2d(c, width, 1) for c in (64, 96, 128))
        self.merge = nn.ModuleList(Apart(width) for _ in range(3))
        self.heads = nn.ModuleList(Head(width) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        eight = self.eight(self.stem(x))
        sixteen = self.sixteen(eight)
        deep = self.thirtytwo(sixteen)
        third = self.merge[2](self.sides[2](deep))
        second = self.merge[1](self.sides[1](sixteen) + fn.interpolate(third, scale_factor=2.0))
        first = self.merge[0](self.sides[0](eight) + fn.interpolate(second, scale_factor=2.0))
        levels = zip(self.heads, (first, second, third), strict=True)
        return torch.cat([head(features) for head, features in levels], 2).transpose(1, 2)
