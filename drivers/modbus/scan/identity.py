"""What a device says of itself (functions 17 and 43). Pure."""

import re

_WORDS = re.compile(rb"[ -~]{3,}")


def identity_text(data: bytes) -> str:
    """The words in an answer, in their order; numbers and lengths between them are passed over."""
    return " ".join(word.decode("ascii").strip() for word in _WORDS.findall(data))
