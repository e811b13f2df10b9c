"""`python -m drivers.camera.child`: one camera, told what to do by its parent on stdin."""

import sys


def main() -> int:
    from drivers.camera.child.confine import die_with_parent
    from drivers.camera.child.pipe import Pipe

    die_with_parent()
    pipe = Pipe()
    setup = pipe.setup()
    from drivers.camera.child.work import work

    return work(setup, pipe)


if __name__ == "__main__":
    sys.exit(main())
