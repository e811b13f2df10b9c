"""Why there are no frames."""

LOCKS = 30.0  # s: cameras shut out who tries a wrong login too often


class Lost(Exception):
    """Its text is one word for machines: no_connection, no_frames, no_device, refused, …"""


def pause_after(reason: str, usual: float) -> float:
    """s until it is tried again."""
    return max(LOCKS, usual) if reason == "refused" else usual
