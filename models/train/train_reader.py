"""Trains the plate reader: `python models/train/train_reader.py --data FOLDER`.

First from drawings alone (`--real 0`), then, with `--start`, half of each batch real crops.
"""

from argparse import Namespace

import torch
from common import Run, fix_seeds, held, parser, seed_worker
from reader_data import NOT_ASKED, Crop, Crops, load
from reader_net import HEIGHT, WIDTH, ReaderNet
from torch.nn import functional as fn
from torch.utils.data import DataLoader

from drivers.camera.vision.reading import decode, prepare

IMPORTANCE = torch.tensor([2.0] + [6 / 7] * 7)  # of each slot: provinces are the hardest to tell


@torch.no_grad()
def judge(net: torch.nn.Module, crops: list[Crop]) -> str:
    """Share of crops read without a mistake, for each source."""
    right: dict[str, list[bool]] = {}
    for at in range(0, len(crops), 64):
        part = crops[at : at + 64]
        slots, colours = (
            o.numpy()
            for o in net(torch.from_numpy(prepare([c.image for c in part], WIDTH, HEIGHT)))
        )
        for crop, text, colour in zip(part, slots, colours, strict=True):
            right.setdefault(crop.source, []).append(decode(text, colour).text == crop.text)
    return "; ".join(
        f"{source}: {sum(hits)}/{len(hits)} = {100 * sum(hits) / len(hits):.1f} %"
        for source, hits in right.items()
    )


def loss_of(
    outputs: tuple[torch.Tensor, ...], labels: torch.Tensor, colour: torch.Tensor
) -> tuple[torch.Tensor, dict[str, float]]:
    slots, colours, ctc = (output.float() for output in outputs)
    letters = fn.cross_entropy(
        slots.flatten(0, 1),
        labels.flatten(),
        label_smoothing=0.03,
        reduction="none",
        ignore_index=NOT_ASKED,
    )
    letters = (letters.view(labels.shape) * IMPORTANCE).mean()
    hue = fn.cross_entropy(colours, colour, label_smoothing=0.02, ignore_index=NOT_ASKED)
    steps = ctc.log_softmax(2).transpose(0, 1)
    lengths = torch.full((len(labels),), steps.shape[0])
    whole = (labels >= 0).all(1)
    columns = fn.ctc_loss(
        steps[:, whole],
        labels[whole],
        lengths[whole],
        (labels[whole] > 0).sum(1),
        zero_infinity=True,
        reduction="mean",
    )
    parts = {"slots": float(letters.detach()), "colour": float(hue.detach())}
    return letters + 0.3 * hue + 0.1 * columns, {**parts, "ctc": float(columns.detach())}


def options() -> Namespace:
    own = parser(__doc__ or "", steps=20000, batch=64, out="reader")
    own.add_argument("--real", type=float, default=0.0, help="share of real crops in a batch")
    return own.parse_args()


def main() -> None:
    o = options()
    fix_seeds(o.seed, o.threads)
    away = held(o)
    run = Run(ReaderNet(), o)
    run.net.aside = True
    watched = [c for c in load(o.data) if not away or c.source in away]
    loader = DataLoader(
        Crops(o.data, o.real, away), o.batch, num_workers=o.workers, worker_init_fn=seed_worker
    )
    batches = iter(loader)
    for step in run.steps():
        images, labels, colour = next(batches)
        run.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = run.net(images.to(memory_format=torch.channels_last))
        loss, parts = loss_of(outputs, labels, colour)
        run.learn(loss, **parts)
        if step % 500 == 499:
            print(judge(run.average.net, watched), flush=True)
    print(judge(run.average.net, watched), flush=True)


if __name__ == "__main__":
    main()
