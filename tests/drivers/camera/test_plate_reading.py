"""From a crop to the reader's input, and from its output to a text."""

import pytest

pytest.importorskip("numpy", reason="the vision extra is not installed")
pytest.importorskip("cv2", reason="the vision extra is not installed")

import numpy as np

from drivers.camera.eyes import believable
from drivers.camera.vision import reading
from drivers.camera.vision.arrays import Floats
from drivers.camera.vision.grammar import ALPHABET, COLOURS, IMPOSSIBLE
from drivers.camera.vision.reading import Read


def peaks(classes: list[int], strength: float = 12.0) -> Floats:
    logits = np.zeros((len(classes), len(ALPHABET) + 1), np.float32)
    logits[np.arange(len(classes)), classes] = strength
    return logits


def labels(text: str) -> list[int]:
    return [ALPHABET.index(character) + 1 for character in text]


def colour(name: str) -> Floats:
    logits = np.zeros(len(COLOURS), np.float32)
    logits[COLOURS.index(name)] = 12
    return logits


def test_slots_are_read_in_order_and_empty_ones_left_out() -> None:
    text, sure = reading.decode_slots(peaks([*labels("皖A12345"), 0]))
    assert text == "皖A12345"
    assert len(sure) == 7
    assert min(sure) > 0.99


def test_ctc_keeps_a_repeated_character_only_across_a_blank() -> None:
    a, b = labels("AB")
    assert reading.decode_ctc(peaks([a, a, 0, a, b, b, 0]))[0] == "AAB"


def test_ctc_is_as_sure_of_a_character_as_at_its_surest_step() -> None:
    steps = np.concatenate([peaks(labels("A"), 2.0), peaks(labels("A"), 9.0)])
    _, sure = reading.decode_ctc(steps)
    assert sure == pytest.approx([float(reading.softmax(steps)[1].max())])


def test_nothing_read_is_no_confidence() -> None:
    read = reading.decode(peaks([0] * 8), colour("blue"))
    assert read.text == ""
    assert read.confidence == 0.0


def test_the_grammar_lowers_confidence_and_leaves_the_text() -> None:
    fits = reading.decode(peaks([*labels("皖A12345"), 0]), colour("blue"))
    odd = reading.decode(peaks([*labels("皖AA警345"), 0]), colour("blue"))
    assert odd.text == "皖AA警345"
    assert fits.confidence > 0.99
    assert odd.confidence == pytest.approx(fits.confidence * IMPOSSIBLE, rel=1e-3)


def test_one_doubtful_character_makes_the_whole_text_doubtful() -> None:
    logits = peaks([*labels("皖A12345"), 0])
    logits[3] = 0
    logits[3, labels("2")[0]] = 0.01
    read = reading.decode(logits, colour("blue"))
    assert read.text == "皖A12345"
    assert read.characters[3] < 0.05
    assert read.confidence < 0.05


def test_crops_of_any_size_become_one_batch() -> None:
    rng = np.random.default_rng(1)
    crops = [rng.integers(0, 255, size, np.uint8) for size in ((24, 94, 3), (90, 300, 3))]
    batch = reading.prepare(crops)
    assert batch.shape == (2, 3, reading.HEIGHT, reading.WIDTH)
    assert batch.dtype == np.float32


def test_a_darker_picture_of_the_same_plate_looks_nearly_the_same() -> None:
    rng = np.random.default_rng(2)
    crop = rng.integers(60, 250, (40, 140, 3), np.uint8)
    bright, dark = reading.prepare([crop, crop // 2])
    assert np.abs(bright - dark).mean() < 0.1


def test_a_blank_crop_is_not_blown_up_into_noise() -> None:
    assert np.abs(reading.prepare([np.full((30, 90, 3), 77, np.uint8)])).max() < 1e-3


@pytest.mark.parametrize(
    ("text", "says"),
    [("渝AF12345", 0.9), ("渝A12345", 0.9), ("1234567", 0.45), ("1", 0.45 / 7), ("", 0.0)],
)
def test_a_text_speaks_for_a_plate_as_far_as_it_looks_like_one(text: str, says: float) -> None:
    read = Read(text, "blue", (0.9,) * len(text), 1.0)
    assert believable(read) == pytest.approx(says)
