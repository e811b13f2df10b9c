"""Trains the plate detector: `python models/train/train_detector.py --data FOLDER`."""

from argparse import Namespace

import numpy as np
import torch
from common import Run, fix_seeds, parser, seed_worker
from detector_data import Scenes
from detector_net import DetectorNet
from detector_scene import load
from scene import Frame
from stats import Match, average_precision, match_frame
from torch.nn import functional as fn
from torch.utils.data import DataLoader

from drivers.camera.vision.boxes import decode, letterbox

HEIGHT = 0.6  # what an error of a height counts, that of a width being 1


def loss_of(raw: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
    """Focal loss of the score, smooth L1 of corners in parts of the plate, entropy of lines."""
    raw = raw.float()
    weight, wanted, two_line = targets[..., :3].unbind(-1)
    positive = wanted > 0
    count = positive.sum().clamp(min=1)
    chance = torch.sigmoid(raw[..., 0])
    plain = fn.binary_cross_entropy_with_logits(raw[..., 0], wanted, reduction="none")
    missed = torch.where(positive, 1 - chance, chance)
    focal = torch.where(positive, 0.3, 0.7) * missed.square() * plain * weight
    score = focal.sum() / count * 4
    off = (raw[..., 2:] - targets[..., 5:])[positive] * targets[..., 3:5][positive].repeat(1, 4)
    off = off * torch.tensor([1.0, HEIGHT]).repeat(4)
    corners = (
        fn.smooth_l1_loss(off, torch.zeros_like(off), beta=0.02) if len(off) else raw.sum() * 0
    )
    lines = fn.binary_cross_entropy_with_logits(raw[..., 1], two_line, reduction="none")
    lines = (lines * positive).sum() / count
    parts = {"score": float(score.detach()), "corners": float(corners.detach())}
    return score + 10 * corners + 0.2 * lines, {**parts, "lines": float(lines.detach())}


@torch.no_grad()
def judge(net: torch.nn.Module, frames: list[Frame], size: int) -> str:
    matches: list[Match] = []
    for frame in frames:
        image, fit = letterbox(frame.image, size)
        raw = net(torch.from_numpy(image)).numpy()[0]
        found = decode(raw, size, fit, 0.05, 0.4)
        matches.append(match_frame(found, frame.plates))
    figures = "  ".join(f"AP{v} {100 * average_precision(matches, v / 100):.1f}" for v in (50, 70))
    return f"{size}: {figures}"


def options() -> Namespace:
    own = parser(__doc__ or "", steps=30000, batch=16, out="detector")
    own.add_argument("--size", type=int, default=256, help="side of the training squares, pixels")
    return own.parse_args()


def main() -> None:
    o = options()
    fix_seeds(o.seed, o.threads)
    run = Run(DetectorNet(), o)
    watched = [f for f in load(o.data) if f.source == "easypr"]
    scenes = Scenes(o.data, o.size)
    loader = DataLoader(scenes, o.batch, num_workers=o.workers, worker_init_fn=seed_worker)
    batches = iter(loader)
    for step in run.steps():
        images, targets = next(batches)
        run.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            raw = run.net(images.to(memory_format=torch.channels_last))
        loss, parts = loss_of(raw, targets)
        run.learn(loss, **parts)
        if step % 1000 == 999:
            print(judge(run.average.net, watched, 640), flush=True)
    for size in (640, 416, 320):
        print(judge(run.average.net, watched, size), flush=True)


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
