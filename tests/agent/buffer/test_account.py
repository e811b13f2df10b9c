"""One uplink's account of one stream, a sentence at a time; the model test walks at random."""

import pytest

from agent.buffer.account import Account, Law, Taken
from agent.contract import Lane, Ranges, Skip

NONE = Ranges()


def running(head: int = 10) -> Account:
    account = Account()
    account.start("e")
    account.appended(head)
    return account


def taken(account: Account, lane: Lane, limit: int = 4) -> tuple[int, int, bool] | None:
    pack = account.take(lane, limit)
    return (pack.first, pack.last, pack.again) if pack else None


def test_live_numbers_go_out_once_and_in_order() -> None:
    account = running()
    assert [taken(account, Lane.LIVE) for _ in range(4)] == [
        (1, 4, False),
        (5, 8, False),
        (9, 10, False),
        None,
    ]


def test_a_session_leaves_what_waited_to_the_backlog_and_starts_live_behind_the_newest() -> None:
    account = running()
    account.take(Lane.LIVE, 4)
    account.begin()
    assert account.take(Lane.LIVE, 4) is None
    account.appended(12)
    assert taken(account, Lane.LIVE) == (11, 12, False)
    assert taken(account, Lane.BACKLOG, 9) == (1, 4, True), "was in flight: may have arrived"
    assert taken(account, Lane.BACKLOG, 9) == (5, 10, False), "never sent"


def test_the_live_lane_jumps_to_the_newest_group_when_four_packs_wait_before_it() -> None:
    account = running(16)
    account.appended(20)
    assert taken(account, Lane.LIVE) == (1, 4, False), "four packs before the newest group"
    account.appended(40)
    account.appended(42)
    assert taken(account, Lane.LIVE) == (41, 42, False)
    assert taken(account, Lane.BACKLOG, 100) == (5, 40, False)


def test_one_big_group_is_no_reason_to_jump() -> None:
    assert taken(running(100_000), Lane.LIVE) == (1, 4, False)


def test_what_is_given_back_is_sent_again_through_the_backlog_only() -> None:
    account = running()
    account.take(Lane.LIVE, 4)
    account.give_back("e", Ranges.of(1, 4))
    assert taken(account, Lane.LIVE) == (5, 8, False)
    assert taken(account, Lane.BACKLOG) == (1, 4, True)


def test_the_lowest_owed_number_of_the_oldest_epoch_goes_first() -> None:
    account = Account()
    account.restore("old", 20, Ranges.parse("3-5,9"), Ranges.of(1, 20))
    account.start("e")
    account.appended(2)
    account.begin()
    packs = [account.take(Lane.BACKLOG, 2) for _ in range(5)]
    assert packs == [
        Taken("old", 3, 4, again=True),
        Taken("old", 5, 5, again=True),
        Taken("old", 9, 9, again=True),
        Taken("e", 1, 2),
        None,
    ]


def test_only_what_is_in_flight_can_be_settled() -> None:
    account = running()
    account.take(Lane.LIVE, 4)
    assert account.settle("e", Ranges.of(1, 4)) == Ranges.of(1, 4)
    assert account.settle("e", Ranges.of(1, 4)) == NONE, "settling twice is once"
    assert account.settle("e", Ranges.of(5, 8)) == NONE
    account.owe("e", Ranges.of(2, 3), Ranges.of(1, 10))
    assert account.settle("e", Ranges.of(1, 4)) == NONE, "an old answer undoes no replay"
    assert account.law().settled == 2


def test_a_replay_brings_back_what_is_settled_skipped_or_a_gap_but_not_what_will_come_anyway() -> (
    None
):
    account = running()
    account.take(Lane.LIVE, 2)
    account.settle("e", Ranges.of(1, 2), (Skip(2, 2, "filtered"),))
    account.take(Lane.LIVE, 2)
    account.refuse("e", Ranges.of(3, 4), "refused")
    account.take(Lane.LIVE, 2)
    assert account.owe("e", Ranges.of(1, 99), Ranges.of(1, 10)) == Ranges.of(1, 4)
    assert account.law() == Law(head=10, owed=10)
    assert taken(account, Lane.BACKLOG, 9) == (1, 4, True)


def test_what_is_owed_but_no_longer_stored_comes_in_one_pack_of_its_own() -> None:
    account = running(1000)
    account.begin()
    account.take(Lane.BACKLOG, 1000)
    account.settle("e", Ranges.of(1, 1000))
    account.owe("e", Ranges.of(1, 900), Ranges.of(501, 1000))
    assert account.take(Lane.BACKLOG, 10) == Taken("e", 1, 500, again=True, absent=True)
    assert account.take(Lane.BACKLOG, 10) == Taken("e", 501, 510, again=True)
    account.settle("e", Ranges.of(1, 500), (Skip(1, 500, "evicted"),))
    assert account.law().skipped == 500


def test_eviction_turns_what_was_owed_into_a_gap_wherever_it_was() -> None:
    account = running(12)
    account.take(Lane.LIVE, 4)
    account.settle("e", Ranges.of(1, 4))
    account.take(Lane.LIVE, 2)
    assert account.evict("e", Ranges.of(3, 8), "evicted") == Ranges.of(5, 8)
    assert account.settle("e", Ranges.of(5, 6)) == NONE
    assert taken(account, Lane.LIVE) == (9, 12, False)
    assert account.law().gap == 4
    assert account.law().holds


def test_numbers_given_only_to_be_declared_lost_are_a_gap_at_once() -> None:
    account = running(4)
    account.appended(9)
    assert account.evict("e", Ranges.of(5, 9), "disk_full") == Ranges.of(5, 9)
    assert taken(account, Lane.LIVE, 9) is None
    assert taken(account, Lane.BACKLOG, 9) == (1, 4, False)
    assert account.law().gap == 5


@pytest.mark.parametrize("broken", ["settled", "backlog", "again"])
def test_the_law_notices_a_number_in_the_wrong_place(broken: str) -> None:
    account = running()
    account.take(Lane.LIVE, 4)
    book = account.book("e")
    setattr(book, broken, getattr(book, broken) | Ranges.of(4, 5))
    book.touch()
    assert not account.law().holds


def test_what_the_disk_remembers_is_made_consistent() -> None:
    account = Account()
    account.restore(
        "old",
        10,
        owed=Ranges.of(8, 99),
        stored=Ranges.of(1, 9),
        gaps={"evicted": Ranges.of(1, 8)},
        skips={"filtered": Ranges.of(2, 3)},
    )
    law = account.law()
    assert (law.settled, law.owed, law.gap, law.skipped) == (0, 3, 7, 0)
    assert law.holds
    assert account.take(Lane.BACKLOG, 9) == Taken("old", 8, 9, again=True)
    assert account.take(Lane.BACKLOG, 9) == Taken("old", 10, 10, again=True, absent=True)
