"""What a plate reader's outputs say, by its card: our own slots and CTC readers of others. Pure.

The first output is the text, a second one, where there is any, the colour. The card's `labels` are
`alphabet` (a text, or a list of texts) and `colours`; its `options` for `ctc_greedy`: `blank` (the
class of the blank, -1 the last; 0), `transposed: 1` (classes before steps), `probabilities: 1` (no
logits), `split` (1: plates of two lines are read as one long line; 0: they are shown as they are).
"""

import numpy as np

from drivers.camera.vision.arrays import Floats, Image
from drivers.camera.vision.card import Card
from drivers.camera.vision.grammar import ALPHABET, COLOURS
from drivers.camera.vision.reading import Read, decode_colour, decode_ctc, decode_slots

LEAST = 1e-9  # chance
TWO_LINES = 2.3  # width by height: below it a cut-out plate has two lines (2.0; one line: 3.1)
UPPER, LOWER = 5 / 12, 1 / 3  # of the height: where the upper line ends, where the lower one begins


def decode(outputs: dict[str, Floats], card: Card) -> Read:
    """The first plate of a batch."""
    text, *others = (outputs[tensor.name][0] for tensor in card.outputs)
    if card.decode == "slots":
        characters, sure = decode_slots(text, _alphabet(card))
    else:
        characters, sure = decode_ctc(logits(text, card), _alphabet(card))
    if not others:
        return Read(characters, "", sure, 0.0)
    colour, colour_sure = decode_colour(others[0], tuple(card.labels.get("colours", COLOURS)))
    return Read(characters, colour, sure, colour_sure)


def _alphabet(card: Card) -> str | tuple[str, ...]:
    return card.labels.get("alphabet", ALPHABET)


def logits(raw: Floats, card: Card) -> Floats:
    """(steps, classes), the blank first."""
    options = card.options
    steps = raw.T if options.get("transposed") else raw
    if options.get("probabilities"):
        steps = np.log(np.maximum(steps, LEAST))
    blank = int(options.get("blank", 0)) % steps.shape[1]
    order = [blank, *(place for place in range(steps.shape[1]) if place != blank)]
    return np.asarray(steps[:, order], np.float32)


def splits(card: Card) -> bool:
    """Whether the reader wants a plate of two lines as one long line."""
    return bool(card.options.get("split", card.decode == "ctc_greedy"))


def looks_two_line(crop: Image) -> bool:
    """By its shape alone."""
    height, width = crop.shape[:2]
    return bool(width < TWO_LINES * height)


def joined(crop: Image) -> Image:
    """The upper line to the left of the lower one, both as high as the lower one."""
    import cv2

    height, width = crop.shape[:2]
    lower = crop[int(LOWER * height) :]
    upper = crop[: max(1, round(UPPER * height))]
    upper = np.asarray(cv2.resize(upper, (width, lower.shape[0])), np.uint8)
    return np.concatenate([upper, lower], axis=1)
