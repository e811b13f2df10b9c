"""From what is known of a device to what a person is told. Pure."""

from collections.abc import Iterator

from agent.contract import Find, Line, Match, Remark, Value
from drivers.modbus.decode import decode
from drivers.modbus.profile import Point
from drivers.modbus.scan.beliefs import Beliefs
from drivers.modbus.scan.sheet import Sheet, Words, registers_of

SHOWN = 5  # matches
_FAINT = 0.02  # a match below is not shown
_BELIEVED = 0.25  # all matches together, or it is a stranger
_TIE = 2.0  # bits of evidence
_SAME_READS = 5.0  # bits, where only what stands in the registers speaks for one of them

Meaning = dict[tuple[str, int], tuple[str, Point]]


def verdict(beliefs: Beliefs, remarks: tuple[Remark, ...]) -> Find:
    """Without matches when no profile explains what was heard, or none of its points was."""
    sheets = {sheet.name: sheet for sheet in beliefs.sheets}
    plausible = beliefs.plausible.items()
    chances = {name: c for name, c in plausible if sheets[name].shows(beliefs.words)}
    if sum(chances.values()) < _BELIEVED:
        return Find(beliefs.unit, beliefs.line, options={"unit": beliefs.unit}, remarks=remarks)
    names = [name for name, chance in chances.items() if chance > _FAINT] or list(chances)[:1]
    best = sheets[names[0]]
    tied = [name for name in names if _as_good(beliefs, best, sheets[name])]
    names = tied + [name for name in names if name not in tied]
    return Find(
        beliefs.unit,
        _as_made(best, beliefs.line),
        tuple(_match(sheets[name], chances[name]) for name in names[: max(SHOWN, len(tied))]),
        len(tied),
        {"profile": best.name, "unit": beliefs.unit},
        tuple(_values(best, beliefs.words)),
        remarks + tuple(_apart(best, sheets[name], beliefs.words) for name in tied[1:]),
    )


def _as_good(beliefs: Beliefs, best: Sheet, other: Sheet) -> bool:
    """Whether the other explains what was heard about as well."""
    behind = beliefs.evidence[best.name] - beliefs.evidence[other.name]
    alike = all(best.expects(block) == other.expects(block) for block in beliefs.kinds)
    return behind < (_SAME_READS if alike else _TIE)


def _as_made(sheet: Sheet, line: Line | None) -> Line | None:
    """The scan sends two stop bits where some device wants them; this one may want one."""
    factory = sheet.profile.line
    if line is None or (line.baud, line.parity) == (factory.baud, factory.parity):
        return line and factory.line
    return Line(line.baud, line.parity)


def _match(sheet: Sheet, score: float) -> Match:
    return Match(sheet.name, sheet.profile.title, sheet.profile.title_zh, round(score, 3))


def _values(sheet: Sheet, words: Words) -> Iterator[tuple[str, Value | None, str]]:
    for name, point in sheet.profile.points.items():
        at = registers_of(point)
        if all(register in words for register in at):
            yield name, decode(point, [words[register] for register in at])[0], point.unit


def _apart(best: Sheet, other: Sheet, words: Words) -> Remark:
    """What tells two profiles apart that explain the answers equally well."""
    names = {"best": best.name, "other": other.name}
    ours, theirs = _meanings(best), _meanings(other)
    for where in sorted(ours.keys() & theirs.keys()):
        (name, point), (their_name, their_point) = ours[where], theirs[where]
        if _differ(point, their_point):
            shown = _reading(name, point, words), _reading(their_name, their_point, words)
            return Remark(
                "reads_as", names | dict(zip(("as_best", "as_other"), shown, strict=True))
            )
    if only := sorted(ours.keys() ^ theirs.keys()):
        table, address = only[0]
        owner = best.name if only[0] in ours else other.name
        return Remark("only_in", names | {"owner": owner, "table": table, "address": address})
    if _factory(best) == _factory(other):
        return Remark("same_map", names)
    lines = {"best_line": _factory(best), "other_line": _factory(other)}
    return Remark("other_factory_line", names | lines)


def _factory(sheet: Sheet) -> str:
    factory = sheet.profile.line
    return f"{factory.baud} {factory.data_bits}{factory.parity[0].upper()}{factory.stop_bits}"


def _meanings(sheet: Sheet) -> Meaning:
    return {
        (point.table, point.address): (name, point)
        for name, point in sheet.profile.points.items()
        if point.bit is None
    }


def _differ(one: Point, other: Point) -> bool:
    """In what they make of the register."""
    facts = ("type", "scale", "offset", "unit", "words", "bytes")
    return any(getattr(one, fact) != getattr(other, fact) for fact in facts)


def _reading(name: str, point: Point, words: Words) -> str:
    at = registers_of(point)
    if not all(register in words for register in at):
        return name
    value = decode(point, [words[register] for register in at])[0]
    return f"{name} {value} {point.unit}"
