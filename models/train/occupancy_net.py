"""A small residual net: one 64 by 64 patch to one logit (occupied > 0)."""

import torch
from torch import nn


def conv(
    inputs: int, outputs: int, stride: int | tuple[int, int] = 1, kernel: int = 3
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Depthwise(nn.Conv2d):
    """Each channel by itself; always in 32 bits, in which its gradient is three times as quick."""

    def __init__(self, width: int, kernel: tuple[int, int]) -> None:
        padding = kernel[0] // 2, kernel[1] // 2
        super().__init__(width, width, kernel, padding=padding, groups=width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float())


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(width, width)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.second(self.first(x)))


class OccupancyNet(nn.Module):
    """(n, 3, 64, 64) -> (n,) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 16, 2, 5),
            conv(16, 32, 2),
            Residual(32),
            conv(32, 64, 2),
            Residual(64),
            conv(64, 96, 2),
        )
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(192, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.body(x)
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
        return self.head(pooled).squeeze(1)
