"""The plate reader's two ends: a crop to its input, its output to text and colour. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drivers.camera.vision.arrays import Floats, Image
from drivers.camera.vision.grammar import ALPHABET, COLOURS, plausibility
from drivers.camera.vision.spaces import standardise

HEIGHT, WIDTH = 48, 192


@dataclass(frozen=True, slots=True)
class Read:
    """`characters` has one confidence for each character of `text`; all are 0 to 1."""

    text: str
    colour: str
    characters: tuple[float, ...]
    colour_confidence: float

    @property
    def confidence(self) -> float:
        """Of the whole text, after the grammar has had its say."""
        certain = float(np.prod(self.characters)) if self.characters else 0.0
        return certain * plausibility(self.text, self.colour)


def prepare(crops: Sequence[Image], width: int = WIDTH, height: int = HEIGHT) -> Floats:
    """BGR crops of any size to (n, 3, height, width), standardised."""
    import cv2

    batch = np.empty((len(crops), 3, height, width), np.float32)
    for place, crop in enumerate(crops):
        shrinks = crop.shape[0] > height and crop.shape[1] > width
        mode = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        batch[place] = cv2.resize(crop, (width, height), interpolation=mode).transpose(2, 0, 1)
    return standardise(batch)


def softmax(logits: Floats) -> Floats:
    exps = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exps / exps.sum(axis=-1, keepdims=True), np.float32)


def decode_slots(
    logits: Floats, alphabet: Sequence[str] = ALPHABET
) -> tuple[str, tuple[float, ...]]:
    """(slots, 1 + characters) logits, one slot a character, class 0 an empty slot."""
    chances = softmax(logits)
    best = chances.argmax(axis=1)
    taken = [slot for slot, label in enumerate(best) if label]
    text = "".join(alphabet[best[slot] - 1] for slot in taken)
    return text, tuple(float(chances[slot, best[slot]]) for slot in taken)


def decode_ctc(logits: Floats, alphabet: Sequence[str] = ALPHABET) -> tuple[str, tuple[float, ...]]:
    """(steps, 1 + characters) logits, class 0 the blank; a run of one label is one character,
    as sure as its surest step."""
    chances = softmax(logits)
    best = chances.argmax(axis=1)
    text, sure, before = "", list[float](), 0
    for step, label in enumerate(best):
        if label and label != before:
            text += alphabet[label - 1]
            sure.append(float(chances[step, label]))
        elif label:
            sure[-1] = max(sure[-1], float(chances[step, label]))
        before = int(label)
    return text, tuple(sure)


def decode_colour(logits: Floats, colours: Sequence[str] = COLOURS) -> tuple[str, float]:
    chances = softmax(logits)
    best = int(chances.argmax())
    return colours[best], float(chances[best])


def decode(text_logits: Floats, colour_logits: Floats, how: str = "slots") -> Read:
    """One plate's output to a read; `how` is "slots" or "ctc_greedy", as the card says."""
    text, characters = {"slots": decode_slots, "ctc_greedy": decode_ctc}[how](text_logits)
    colour, sure = decode_colour(colour_logits)
    return Read(text, colour, characters, sure)
