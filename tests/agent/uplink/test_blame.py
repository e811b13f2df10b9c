"""Which pack a broker would not take."""

from agent.contract import TELEMETRY, Lane, Pack
from agent.uplink import words
from agent.uplink.blame import Blame
from tests.support_uplink import columns


def pack(first: int, count: int = 10) -> Pack:
    last = first + count - 1
    return Pack("e1", TELEMETRY, Lane.BACKLOG, first, last, columns=(columns(count, first),))


def test_a_disconnect_with_several_in_flight_blames_nobody_but_makes_careful() -> None:
    blame = Blame()
    flying = [(pack(1), 900), (pack(11), 900)]
    assert blame.ended(words.PAYLOAD_FORMAT_INVALID, flying) is None
    assert blame.careful
    assert blame.ended(words.PAYLOAD_FORMAT_INVALID, flying[:1]) is None
    assert blame.ended(words.PAYLOAD_FORMAT_INVALID, flying[:1]) is None
    assert blame.ended(words.PAYLOAD_FORMAT_INVALID, flying[:1]) == pack(1)


def test_care_ends_after_enough_acknowledgements() -> None:
    blame = Blame(careful=True)
    for n in range(20):
        assert blame.careful
        blame.acknowledged([pack(n + 1, 1)])
    assert not blame.careful


def test_too_large_halves_before_anything_is_given_up() -> None:
    blame = Blame(careful=True)
    assert blame.ended(words.PACKET_TOO_LARGE, [(pack(1), 1000)]) is None
    assert blame.limit == 500
    single = [(pack(1, 1), 400)]
    outcomes = [blame.ended(words.PACKET_TOO_LARGE, single) for _ in range(3)]
    assert outcomes == [None, None, pack(1, 1)]


def test_silence_makes_packs_smaller_but_never_gives_one_up() -> None:
    blame = Blame()
    for _ in range(30):
        assert blame.ended(0, [(pack(1), 20_000)]) is None
    assert blame.limit == 10_000
    for _ in range(30):
        blame.ended(0, [(pack(1), 1_100)])
    assert blame.limit == 1024


def test_packs_grow_again_when_all_is_well() -> None:
    blame = Blame(limit=2048)
    for n in range(1000):
        blame.acknowledged([pack(n + 1, 1)])
    assert blame.limit == 4096


def test_one_acknowledgement_between_broken_connections_proves_the_packs_innocent() -> None:
    blame = Blame()
    for _ in range(10):
        blame.ended(0, [(pack(1), 20_000)])
        blame.ended(0, [(pack(1), 20_000)])
        blame.acknowledged([pack(1)])
    assert blame.limit is None


def test_a_connection_that_ends_with_nothing_in_flight_blames_nobody() -> None:
    blame = Blame()
    assert blame.ended(words.PAYLOAD_FORMAT_INVALID, []) is None
    assert not blame.careful
