"""Packs cut up and joined: what is read at once goes out as several, what is acknowledged in a row
is settled as one."""

from collections.abc import Iterator, Sequence

from agent.contract import Columns, Pack


def pieces(pack: Pack, limit: int) -> list[Pack]:
    """Of at most `limit` records each, in order; together they account for what the pack does."""
    if pack.last - pack.first < limit:
        return [pack]
    if pack.skip or pack.happenings:
        if pack.count <= limit:
            return [pack]
        return [piece for half in pack.split() for piece in pieces(half, limit)]
    firsts = range(pack.first, pack.last + 1, limit)
    return [
        Pack(
            epoch=pack.epoch,
            stream=pack.stream,
            lane=pack.lane,
            first=first,
            last=min(first + limit - 1, pack.last),
            again=pack.again,
            columns=columns,
            previous=pack.previous if first == pack.first else None,
        )
        for first, columns in zip(firsts, _cut(pack.columns, limit), strict=True)
    ]


def _cut(columns: Sequence[Columns], limit: int) -> Iterator[tuple[Columns, ...]]:
    piece: list[Columns] = []
    room = limit
    for one in columns:
        start = 0
        while start < len(one):
            stop = min(len(one), start + room)
            piece.append(one.slice(start, stop))
            room -= stop - start
            start = stop
            if room == 0:
                yield tuple(piece)
                piece, room = [], limit
    if piece:
        yield tuple(piece)


def joined(packs: Sequence[Pack]) -> Iterator[Pack]:
    """Packs that follow each other become one that accounts for them all and carries nothing."""
    run = [packs[0]]
    for pack in packs[1:]:
        before = run[-1]
        follows = before.last + 1 == pack.first and before.stream == pack.stream
        if not follows or before.epoch != pack.epoch:
            yield _whole(run)
            run = []
        run.append(pack)
    yield _whole(run)


def _whole(run: Sequence[Pack]) -> Pack:
    skip = tuple(skip for pack in run if pack.skip for skip in pack.skip)
    one = run[0]
    return Pack(one.epoch, one.stream, one.lane, one.first, run[-1].last, skip=skip)
