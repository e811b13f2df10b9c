"""Says on a wire what the serial_line devices of a configuration would."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from agent.contract import Device, Host, Said, Simulator, Story
from drivers.serial_line.bank import Bank
from drivers.serial_line.codec import Codec
from drivers.serial_line.layout import Repeat
from drivers.serial_line.profile import Exchange
from drivers.serial_line.raw import Raw
from drivers.serial_line.reader import Frame
from drivers.serial_line.station import Station

_LONGEST = 512  # bytes kept while no request is complete
_LOOK = 0.25  # s between two looks whether a detector's state has changed


def simulate(devices: Sequence[tuple[Device, Host]], framing: str) -> Simulator:  # noqa: ARG001  frames are the same on all
    """Raises Misconfigured, as the driver would."""
    banks = {}
    for device, host in devices:
        station = Station.of(device, host)
        banks[device.id] = Bank(station, Codec(station.profile, station.check), _clock(host))
    if any(bank.station.profile.listens for bank in banks.values()):
        return TalkingSimulator(banks)
    return SerialLineSimulator(banks)


class SerialLineSimulator:
    """`banks`: what each device has to tell, by its id. Silent for addresses that it has not."""

    def __init__(self, banks: dict[str, Bank]) -> None:
        self.banks = banks
        self._heard = {name: bytearray() for name in banks}

    def follow(self, story: Story) -> None:
        for bank in self.banks.values():
            bank.follow(story)

    def hear(self, data: bytes) -> Sequence[bytes]:
        return [
            Said.by(name, answer)
            for name, bank in self.banks.items()
            for request in _frames(bank, self._heard[name], data)
            for answer in _answers(bank, request)
        ]


class TalkingSimulator(SerialLineSimulator):
    """Some of the devices speak unasked: each of their detectors every `pace` seconds and, while
    they follow a story, as soon as its state changes."""

    def __init__(self, banks: dict[str, Bank]) -> None:
        super().__init__(banks)
        self.pace = 10.0
        self._follows = False
        self._before_all = 0.0  # s until all of them speak again
        self._states: dict[tuple[str, str], Mapping[str, object]] = {}

    def follow(self, story: Story) -> None:
        super().follow(story)
        self._follows = True

    def speak(self) -> tuple[Sequence[bytes], float]:
        everybody = self._before_all <= 0
        said = [
            Said.by(name, frame)
            for name, bank in self.banks.items()
            for frame in _unasked(bank, self._with_news(name, bank, everybody=everybody))
        ]
        pause = min(_LOOK, self.pace) if self._follows else self.pace
        self._before_all = (self.pace if everybody else self._before_all) - pause
        return said, pause

    def _with_news(self, name: str, bank: Bank, *, everybody: bool) -> list[str]:
        """The detectors that have something to say."""
        labels = [label for label in bank.station.detectors if label not in bank.lost]
        if not self._follows:
            return labels
        found = {label: bank.states(label) for label in labels}
        changed = [n for n, states in found.items() if self._states.get((name, n)) != states]
        self._states |= {(name, label): states for label, states in found.items()}
        return labels if everybody else changed


def _frames(bank: Bank, heard: bytearray, data: bytes) -> list[Frame]:
    heard += data
    del heard[:-_LONGEST]
    requests = dict.fromkeys(exchange.send for exchange in bank.station.profile.exchanges())
    sifted = bank.codec.sift(heard, requests)
    del heard[: sifted.used]
    return sifted.frames


def _answers(bank: Bank, request: Frame) -> Iterator[bytes]:
    station = bank.station
    exchange = next((e for e in station.profile.exchanges() if e.send == request.message), None)
    own = station.profile.address
    if exchange is None:
        return
    addressed = None if own is None else request.fields.get(own.field)
    to_all = own is not None and own.broadcast is not None and addressed == own.broadcast
    if own is not None and not to_all and addressed != station.address:
        return
    asked = {n: raw for n, raw in request.fields.items() if isinstance(raw, int | float | str)}
    _take(bank, exchange, asked)
    if to_all and own is not None and not own.broadcast_answers:
        return
    yield from _answer(bank, exchange, asked)


def _take(bank: Bank, exchange: Exchange, asked: Mapping[str, Raw]) -> None:
    """What was written stays."""
    own = bank.station.profile.address
    if own and own.assign and exchange == bank.station.profile.config[own.assign.by]:
        bank.station = replace(bank.station, address=asked[own.assign.field])
    if exchange in bank.station.profile.writes.values() and not bank.refuses:
        written = {p.field for p in bank.station.profile.points.values() if p.write is not None}
        bank.hold({name: asked[name] for name in written & asked.keys()})


def _answer(bank: Bank, exchange: Exchange, asked: Mapping[str, Raw]) -> Iterator[bytes]:
    if bank.refuses and exchange.refusal is not None:
        fields = {**asked, **_address(bank), **bank.station.profile.messages[exchange.refusal].set}
        yield bank.codec.build(exchange.refusal, fields)
    elif exchange.answer is not None:
        yield b"".join(_said(bank, exchange.answer, asked))  # one after the other, on one line


def _unasked(bank: Bank, labels: Sequence[str]) -> Iterator[bytes]:
    for message in bank.station.profile.listens if labels else ():
        yield from _said(bank, message, {}, labels)


def _said(
    bank: Bank, message: str, asked: Mapping[str, Raw], labels: Sequence[str] | None = None
) -> Iterator[bytes]:
    """A frame for each detector (of these `labels`), or one with all of them. What was asked comes
    back, where the message has it."""
    together = any(isinstance(part, Repeat) for part in bank.station.profile.parts(message))
    if together or labels is None:
        labels = [label for label in bank.station.detectors if label not in bank.lost]
    own = {**asked, **_address(bank), **bank.station.profile.messages[message].set}
    told = [bank.fields(message, label) for label in labels]
    if together:
        yield bank.codec.build(message, {**own, **_counted(bank, message, len(told))}, told)
        return
    for fields in told:
        yield bank.codec.build(message, {**fields, **own})


def _counted(bank: Bank, message: str, number: int) -> dict[str, Raw]:
    """The field that says how many groups there are."""
    parts = bank.station.profile.parts(message)
    return {p.count: number for p in parts if isinstance(p, Repeat) and isinstance(p.count, str)}


def _address(bank: Bank) -> dict[str, Raw]:
    own = bank.station.profile.address
    if own is None or bank.station.address is None:
        return {}
    return {own.field: bank.station.address}


def _clock(host: Host) -> Callable[[], float]:
    return lambda: host.now().wall / 1e9
