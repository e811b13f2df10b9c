"""Logs for journald (no time of our own there) or for a terminal. Always in English."""

import logging
import os
import sys


def set_up(level: int = logging.INFO) -> None:
    """journald gets the syslog priority as a prefix, a terminal gets the time."""
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_Journal("%(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class _Journal(logging.Formatter):
    """sd-daemon(3): `<N>` before the line is its priority."""

    def format(self, record: logging.LogRecord) -> str:
        priority = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4}.get(record.levelno, 3)
        lines = super().format(record).splitlines()
        return "\n".join(f"<{priority}>{line}" for line in lines)
