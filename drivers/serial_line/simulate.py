"""Says on a wire what the serial_line devices of a configuration would."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from agent.contract import Device, Host, Simulator
from drivers.serial_line.bank import Bank
from drivers.serial_line.codec import Codec
from drivers.serial_line.layout import Repeat
from drivers.serial_line.profile import Exchange
from drivers.serial_line.raw import Raw
from drivers.serial_line.reader import Frame
from drivers.serial_line.station import Station

_LONGEST = 512  # bytes kept while no request is complete


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

    def hear(self, data: bytes) -> Sequence[bytes]:
        return [
            answer
            for name, bank in self.banks.items()
            for request in _frames(bank, self._heard[name], data)
            for answer in _answers(bank, request)
        ]


class TalkingSimulator(SerialLineSimulator):
    """Some of the devices speak unasked: each of their detectors every `pace` seconds."""

    def __init__(self, banks: dict[str, Bank]) -> None:
        super().__init__(banks)
        self.pace = 10.0

    def speak(self) -> tuple[Sequence[bytes], float]:
        said = [frame for bank in self.banks.values() for frame in _unasked(bank)]
        return said, self.pace


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
    if exchange in bank.station.profile.writes.values() and not bank.refuses:
        written = {p.field for p in bank.station.profile.points.values() if p.write is not None}
        bank.hold({name: asked[name] for name in written & asked.keys()})


def _answer(bank: Bank, exchange: Exchange, asked: Mapping[str, Raw]) -> Iterator[bytes]:
    if bank.refuses and exchange.refusal is not None:
        fields = {**asked, **_address(bank), **bank.station.profile.messages[exchange.refusal].set}
        yield bank.codec.build(exchange.refusal, fields)
    elif exchange.answer is not None:
        yield b"".join(_said(bank, exchange.answer, asked))  # one after the other, on one line


def _unasked(bank: Bank) -> Iterator[bytes]:
    for message in bank.station.profile.listens:
        yield from _said(bank, message, {})


def _said(bank: Bank, message: str, asked: Mapping[str, Raw]) -> Iterator[bytes]:
    """A frame for each detector, or one with all of them. What was asked comes back, where the
    message has it."""
    labels = [label for label in bank.station.detectors if label not in bank.lost]
    own = {**asked, **_address(bank), **bank.station.profile.messages[message].set}
    told = [bank.fields(message, label) for label in labels]
    if any(isinstance(part, Repeat) for part in bank.station.profile.parts(message)):
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
