"""The primary key of a batch: one whole number that sorts by epoch, stream and first number.

epoch (20 bits) | stream (3 bits) | first (40 bits). So a batch is found by its place in the
table itself, and an insert touches no index.
"""

from agent.contract import EVENTS, MEDIA, TELEMETRY

STREAM_IDS = {TELEMETRY: 0, EVENTS: 1, MEDIA: 2}
STREAM_NAMES = {number: name for name, number in STREAM_IDS.items()}
OPEN = (1 << 40) - 1  # the last number of a range that grows with the stream
MOST_EPOCHS = (1 << 20) - 1


def key(epoch: int, stream: str, first: int) -> int:
    return (epoch << 3 | STREAM_IDS[stream]) << 40 | first


def parts(of: int) -> tuple[int, str, int]:
    """Epoch, stream, first number."""
    return of >> 43, STREAM_NAMES[of >> 40 & 7], of & OPEN
