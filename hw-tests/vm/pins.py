"""pins.py PYTHON MACHINE LOCK...: those pins of the locks that another interpreter needs.

`pip download --python-version` chooses files for that version, but reads the markers of a lock with
the version that it runs on. PYTHON is like 3.13, MACHINE like aarch64.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

_PIN = re.compile(
    r"^(?P<requirement>[^\s#][^\\]*?)\s*(?P<hashes>(?:\\\n\s+--hash=\S+\s*)+)", re.MULTILINE
)


def pins(lock: str, python: str, machine: str) -> Iterator[str]:
    target = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for found in _PIN.finditer(lock):
        wanted = Requirement(found["requirement"])
        if wanted.marker is None or wanted.marker.evaluate(target):
            hashes = found["hashes"].replace("\\", " ").split()
            yield " ".join([f"{wanted.name}{wanted.specifier}", *sorted(hashes)])


def main() -> None:
    python, machine, *locks = sys.argv[1:]
    texts = [Path(lock).read_text(encoding="utf-8") for lock in locks]
    wanted = {pin for text in texts for pin in pins(text, python, machine)}
    sys.stdout.write("".join(f"{pin}\n" for pin in sorted(wanted)))


if __name__ == "__main__":
    main()
