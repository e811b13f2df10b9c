"""Lets the model that tells taken from free spaces compute its golden images, and compares."""

import sys
import time
from pathlib import Path

from drivers.camera.vision import runner

MODEL = Path(__file__).parents[2] / "models" / "occupancy"


def main() -> None:
    began = time.monotonic()
    model = runner.load(MODEL)  # raises unless the golden images give what the card says
    loaded = time.monotonic()
    runner.check_golden(model)
    images = len(model.card.golden)
    seconds = time.monotonic() - loaded
    sys.stdout.write(f"{model.card.file.parent.name}: {images} golden images as on the card; ")
    sys.stdout.write(f"loaded in {loaded - began:.1f} s, checked again in {seconds:.2f} s\n")


if __name__ == "__main__":
    main()
