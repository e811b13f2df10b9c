"""`python -m drivers.camera.child`: one camera, told what to do by its parent on stdin."""

import os
import sys

from drivers.camera.jpeg import MOST_PIXELS

# Read by the libraries when they are loaded: one thread each, no picture that fills the memory, and
# no word about an address, which may hold a password.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(MOST_PIXELS),
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "ORT_DISABLE_TELEMETRY": "1",
}


def main() -> int:
    os.environ.update(ENVIRONMENT)
    from drivers.camera.child.confine import die_with_parent
    from drivers.camera.child.pipe import Pipe

    die_with_parent()
    pipe = Pipe()
    setup = pipe.setup()
    from drivers.camera.child.work import work

    return work(setup, pipe)


if __name__ == "__main__":
    sys.exit(main())
