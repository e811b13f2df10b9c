"""What training scripts share: data folder, seeds, averaged weights, checkpoints, progress."""

import argparse
import copy
import math
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

MODELS = Path(__file__).resolve().parents[1]


def parser(summary: str, *, steps: int, batch: int, out: str) -> argparse.ArgumentParser:
    """The options that all training scripts take. Times and rates are per optimiser step."""
    options = argparse.ArgumentParser(description=summary)
    data = os.environ.get("FIELDGATE_VISION_DATA", "data/vision")
    options.add_argument("--data", type=Path, default=Path(data), help="folder of the CSV files")
    options.add_argument("--out", type=Path, default=Path("build/train") / out)
    options.add_argument("--steps", type=int, default=steps)
    options.add_argument("--batch", type=int, default=batch)
    options.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    options.add_argument("--minutes", type=float, default=0.0, help="stop after, 0: never")
    options.add_argument("--workers", type=int, default=1, help="processes that make samples")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--seed", type=int, default=20)
    options.add_argument("--start", type=Path, help="weights to begin with (fine-tuning)")
    options.add_argument(
        "--hold-out", default="", help="sources that are not trained on, comma separated"
    )
    return options


def held(options: argparse.Namespace) -> frozenset[str]:
    return frozenset(filter(None, options.hold_out.split(",")))


def fix_seeds(seed: int, threads: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)


def seed_worker(_worker: int) -> None:
    """For DataLoader: each worker its own stream of samples, the same at every run."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    random.seed(torch.initial_seed())


class Average:
    """Exponential moving average of the weights; what is evaluated and exported."""

    def __init__(self, net: nn.Module, decay: float = 0.998) -> None:
        self.net = copy.deepcopy(net).eval()
        self.decay = decay
        self.count = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.count += 1
        decay = min(self.decay, self.count / (self.count + 10))
        fresh = net.state_dict()
        for name, value in self.net.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(fresh[name], 1 - decay)
            else:
                value.copy_(fresh[name])


@dataclass
class Run:
    """One training run: net, optimiser, schedule, checkpoint on disk, and a line now and then."""

    net: nn.Module
    options: argparse.Namespace
    every: int = 100  # steps between lines and checkpoints

    def __post_init__(self) -> None:
        o = self.options
        o.out.mkdir(parents=True, exist_ok=True)
        if o.start:
            load_weights(self.net, o.start)
        self.net = self.net.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), o.rate, weight_decay=0.02)
        self.average = Average(self.net)
        self.step = 0
        self.begun = time.monotonic()
        self.sums: dict[str, float] = {}
        self.resume()

    @property
    def checkpoint(self) -> Path:
        return Path(self.options.out) / "checkpoint.pt"

    def resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state: dict[str, Any] = torch.load(self.checkpoint, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.net.load_state_dict(state["average"])
        self.average.count = self.step = state["step"]
        self.optimiser.load_state_dict(state["optimiser"])
        torch.manual_seed(self.options.seed + self.step)  # other samples than at the start
        print(f"resumed at step {self.step}", flush=True)

    def save(self) -> None:
        state = {
            "net": self.net.state_dict(),
            "average": self.average.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def progress(self) -> float:
        """0 to 1: by steps, or by minutes where those end the run earlier."""
        done = self.step / self.options.steps
        if self.options.minutes:
            done = max(done, (time.monotonic() - self.begun) / 60 / self.options.minutes)
        return min(done, 1.0)

    def rate(self) -> float:
        """Warm-up over 100 steps, then half a cosine down to a hundredth."""
        peak = float(self.options.rate)
        return (
            peak
            * min(1.0, (self.step + 1) / 100)
            * (0.01 + 0.99 * (1 + math.cos(math.pi * self.progress())) / 2)
        )

    def steps(self) -> Iterator[int]:
        """Yields until the run is over; a checkpoint is left at the end."""
        while self.progress() < 1:
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate()
            yield self.step
            self.step += 1
            if self.step % self.every == 0:
                self.report()
                self.save()
        self.save()

    def learn(self, loss: torch.Tensor, **parts: float) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch has no annotation here
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.average.update(self.net)
        for name, value in {"loss": float(loss.detach()), **parts}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def report(self) -> None:
        means = "  ".join(f"{k} {v / self.every:.4f}" for k, v in self.sums.items())
        self.sums.clear()
        minutes = (time.monotonic() - self.begun) / 60
        bar = "#" * round(20 * self.progress())
        print(f"[{bar:20}] {self.step:6d}  {minutes:5.1f} min  {means}", flush=True)


def load_weights(net: nn.Module, path: Path) -> None:
    """The averaged weights of a checkpoint, where name and shape fit."""
    state = torch.load(path, weights_only=True)["average"]
    own = net.state_dict()
    fit = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    missing = sorted(set(own) - set(fit))
    if missing:
        print(f"not in {path.name}, left as drawn: {', '.join(missing)}", flush=True)
    net.load_state_dict({**own, **fit})
