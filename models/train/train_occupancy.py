"""Trains the occupancy net: `python models/train/train_occupancy.py --data FOLDER`."""

import numpy as np
import torch
from common import Run, fix_seeds, held, parser, seed_worker
from occupancy_data import Patches, load
from occupancy_net import OccupancyNet
from stats import auc
from torch.nn import functional as fn
from torch.utils.data import DataLoader

from drivers.camera.vision.spaces import prepare


@torch.no_grad()
def judge(net: torch.nn.Module, data: dict[tuple[str, int], np.ndarray]) -> str:
    """Accuracy at 0.5 and area under the curve for each source given."""
    lines = []
    for source in sorted({key[0] for key in data}):
        free, taken = (net(torch.from_numpy(data[source, k])).numpy() for k in (0, 1))
        accuracy = ((free <= 0).mean() + (taken > 0).mean()) / 2
        lines.append(f"{source}: {100 * accuracy:.2f} %, AUC {auc(free, taken):.4f}")
    return "; ".join(lines)


def main() -> None:
    options = parser(__doc__ or "", steps=6000, batch=64, out="occupancy").parse_args()
    fix_seeds(options.seed, options.threads)
    away = held(options)
    run = Run(OccupancyNet(), options)
    watched = {k: prepare(v) for k, v in load(options.data).items() if not away or k[0] in away}
    source = Patches(options.data, away)
    loader = DataLoader(
        source, options.batch, num_workers=options.workers, worker_init_fn=seed_worker
    )
    batches = iter(loader)
    for step in run.steps():
        images, occupied = next(batches)
        run.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = run.net(images.to(memory_format=torch.channels_last)).float()
        target = occupied * 0.94 + 0.03
        run.learn(fn.binary_cross_entropy_with_logits(logits, target))
        if step % 500 == 499:
            print(judge(run.average.net, watched), flush=True)
    print(judge(run.average.net, watched), flush=True)


if __name__ == "__main__":
    main()
