"""Every way to break a sound configuration that one can generate: each names its line."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.config.load import examine, load

Write = Callable[[str | bytes], Path]
Complaints = Callable[[str | bytes], list[str]]
Broken = tuple[int, str]  # the line that must be named, and the broken text

_KEY = re.compile(r"(?:^ *(?:- \{?)?|[{,] ?)([a-z_]+)(?=:)", re.MULTILINE)
_VALUE = re.compile(
    r"(?<!server: )(?<=[a-z_]: )([^\s{}\[\],:][^\s{}\[\],]*)(?=$|[,}])", re.MULTILINE
)
_DURATION = re.compile(r"(?<=: )[0-9]+(?:ms|s|min|h|d)(?=$|[,}])", re.MULTILINE)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def replaced(text: str, match: re.Match[str], new: str, group: int = 0) -> Broken:
    return line_of(text, match.start(group)), text[: match.start(group)] + new + text[
        match.end(group) :
    ]


def misspelt(text: str) -> Iterator[Broken]:
    """Each key with one letter less, or backwards."""
    for match in _KEY.finditer(text):
        key = match[1]
        wrong = key[:-1] if len(key) > 3 else key[::-1] + "x"
        yield replaced(text, match, wrong, 1)


def unknown(text: str) -> Iterator[Broken]:
    """A key that is none, with a secret behind it."""
    for match in _KEY.finditer(text):
        if text[match.start()] in "{,":
            yield replaced(text, match, f"zzz: hunter2, {match[1]}", 1)


def of_wrong_type(text: str) -> Iterator[Broken]:
    """Each value as a list, as settings, and as nothing."""
    for match in _VALUE.finditer(text):
        yield replaced(text, match, "[hunter2]")
        yield replaced(text, match, "{hunter2: hunter2}")


def without_unit(text: str) -> Iterator[Broken]:
    for match in _DURATION.finditer(text):
        yield replaced(text, match, re.sub("[a-z]", "", match[0]))
        yield replaced(text, match, re.sub("[a-z]+", "sec", match[0]))
        yield replaced(text, match, "-" + match[0])


def twice(text: str) -> Iterator[Broken]:
    """Each line of the form `key: value`, once more."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if re.match(r" +[a-z_]+: \S", line):
            yield at + 2, "\n".join([*lines[: at + 1], line, *lines[at + 1 :]])


def missing(text: str) -> Iterator[Broken]:
    """Each required key taken away; the entry that lacks it is named."""
    for match in re.finditer(r"\n( +- )(id): \S+\n {4}", text):
        yield line_of(text, match.start(2)), text[: match.start(2)] + text[match.end() :]
    for key in ("driver", "profile"):
        for match in re.finditer(rf", {key}: [\w-]+", text):
            yield line_of(text, match.start()), text[: match.start()] + text[match.end() :]


GENERATORS = (misspelt, unknown, of_wrong_type, without_unit, twice, missing)


@pytest.mark.parametrize("generate", GENERATORS, ids=lambda function: function.__name__)
def test_generated_mistakes_name_their_line(
    generate: Callable[[str], Iterator[Broken]], sound: str, complaints: Complaints
) -> None:
    cases = list(generate(sound))
    assert len({text for _, text in cases}) == len(cases) > 2
    for line, text in cases:
        said = complaints(text)
        assert any(one.startswith(f"{line}: ") for one in said), (line, said, text)


def test_there_are_more_than_a_hundred_of_them(sound: str) -> None:
    assert sum(len(list(generate(sound))) for generate in GENERATORS) > 250


# What stands in the sound file, what stands there instead, the line to name (from the first line
# of what was replaced), and a part of the sentence.
BY_HAND = [
    ("id: east-gate", "id: East Gate", 0, "an id has 1 to 48 characters"),
    ("id: east-gate", "id: -gate", 0, "an id has 1 to 48 characters"),
    ("id: east-gate", f"id: {'g' * 49}", 0, "an id has 1 to 48 characters"),
    ("id: east-gate", "id: 一号", 0, "an id has 1 to 48 characters"),
    ("id: east-gate", "id: 7", 0, "write text here, in quotes"),
    ("id: east-gate", "id: true", 0, "write text here, in quotes"),
    ("language: zh", "language: cn", 0, "write one of: auto, en, zh"),
    ("language: zh", "language:", 0, "write one of: auto, en, zh"),
    ("path: /var/lib/fieldgate", "path: data", 0, "write the whole path, from / on"),
    ("max_size: 500MB", "max_size: 500", 0, "write a size with its unit"),
    ("max_size: 500MB", "max_size: 500MiB", 0, "write a size with its unit"),
    ("max_size: 500MB", "max_size: 5KB", 0, "is too small; write at least 1MB"),
    ("max_size: 500MB", "max_size: much", 0, "write a size with its unit"),
    ("max_age: 7d", "max_age: 0s", 0, "is too small; write more than 0s"),
    ("max_age: 7d", "max_age: 1 week", 0, "write a duration with its unit"),
    ("every: 1s, records", "every: 10ms, records", 0, "is too small; write at least 50ms"),
    ("every: 1s, records", "every: 2min, records", 0, "is too large; write at most 1min"),
    ("records: 200", "records: 0", 0, "is too small; write at least 1"),
    ("records: 200", "records: 20000", 0, "is too large; write at most 10000"),
    ("records: 200", "records: 1.5", 0, "write a whole number"),
    ("records: 200", "records: many", 0, "write a whole number"),
    ("flushes: 5", "flushes: 0", 0, "is too small; write more than 0"),
    ("flushes: 5", "flushes: .nan", 0, "write a number"),
    ("flushes: 5", "flushes: fast", 0, "write a number"),
    ("store:\n", "store: 5\nstor:\n", 0, "write settings below it"),
    ("wires:\n", "wires: []\nwire:\n", 0, "write settings below it"),
    ("  bus-1:\n", "  Bus 1:\n", 0, "an id has 1 to 48 characters"),
    ("    port: /dev/serial", "    port: COM3 # /dev/serial", 0, "write the adapter's file"),
    ("    port: /dev/serial/by-id/usb-1a86\n", "", -1, "give either `port:` (serial) or"),
    ("baud: 4800\n    parity", "baud: 110\n    parity", 0, "is too small; write at least 300"),
    ("baud: 4800\n    parity", "baud: 2000000\n    parity", 0, "is too large; write at most"),
    ("baud: 4800\n    parity", "baud: fast\n    parity", 0, "write a whole number"),
    ("parity: even", "parity: evn", 0, "did you mean 'even'?"),
    ("parity: even", "parity: no", 0, "write one of: none, even, odd"),
    ("parity: even", "parity: N", 0, "write one of: none, even, odd"),
    ("stop_bits: 1", "stop_bits: 3", 0, "write one of: 1, 2"),
    ("data_bits: 8", "data_bits: 9", 0, "write one of: 7, 8"),
    ("guard: 20ms", "guard: 6s", 0, "is too large; write at most 5s"),
    ("echo: no", "echo: perhaps", 0, "write true or false"),
    ("bus-2: {port", "bus-2: {connect: 'a:1', port", 0, "give either `port:` (serial) or"),
    ("bus-2: {port", "bus-2: {framing: tcp, port", 0, "a serial port always speaks rtu"),
    ("connect: 10.0.0.5:502", "connect: 10.0.0.5", 0, "write host:port, like 10.0.0.5:502"),
    ("connect: 10.0.0.5:502", "connect: 10.0.0.5:0", 0, "write host:port"),
    ("connect: 10.0.0.5:502", "connect: 10.0.0.5:65536", 0, "write host:port"),
    ("connect: 10.0.0.5:502", "connect: http://10.0.0.5:502", 0, "write host:port"),
    ("connect: 10.0.0.5:502", "connect: a:hunter2@b:502", 0, "write host:port"),
    ("connect: 10.0.0.5:502", "connect: fe80::1:502", 0, "or [fe80::1]:502"),
    ("framing: rtu", "framing: ascii", 0, "write one of: rtu, tcp"),
    ("devices:\n", "devices: {}\ndevice:\n", 0, "write a list here, each entry"),
    ("  - id: soil-1\n", "  - soil-1\n  - id: soil-1\n", 0, "write settings below it"),
    ("  - id: soil-1\n", "  -\n  - id: soil-1\n", 0, "has no value; write one"),
    ("driver: modbus\n", "driver: modbuss\n", 0, "no driver is called 'modbuss'; installed:"),
    ("driver: modbus\n", "driver: [modbus]\n", 0, "write one text here"),
    ("wire: bus-1", "wire: bus_1", 0, "no wire is called 'bus_1'; did you mean 'bus-1'?"),
    ("wire: bus-1", "wire: rs485", 0, "no wire is called 'rs485'; there are:"),
    ("wire: bus-1", "wire: Bus 1", 0, "an id has 1 to 48 characters"),
    ("    wire: bus-1\n", "", -4, "needs a wire; add `wire:`"),
    ("profile: renke-soil-7in1", "profile: ../x", 0, "does not have the form"),
    ("profile: renke-soil-7in1", "profile: 7", 0, "write text here, in quotes"),
    ("unit: 3", "unit: 0", 0, "is too small; write at least 1"),
    ("unit: 3", "unit: 300", 0, "is too large; write at most 255"),
    ("unit: 3", "unit: three", 0, "write a whole number"),
    ("every: 10s", "every: 10", 0, "write a duration with its unit"),
    ("every: 10s", "every: 1ms", 0, "is too small; write at least 50ms"),
    ("every: 10s", "every: 2d", 0, "is too large; write at most 1d"),
    ("points: [soil_m", "points: [Soil m", 0, "an id has 1 to 48 characters"),
    ("points: [soil_moisture, soil_temperature]", "points: []", 0, "has too few entries"),
    ("points: [soil_moisture, soil_temperature]", "points: all", 0, "write a list here"),
    ("timeout: 500ms", "timeout: 0s", 0, "is too small; write more than 0s"),
    ("timeout: 500ms", "timeout: 2min", 0, "is too large; write at most 1min"),
    ("id: air-2", "id: air-1", 0, "'air-1' is the id of"),
    ("unit: 2, line", "unit: 1, line", 0, "device 'air-1' answers to the same unit"),
    ("line: {baud: 4800}", "line: 4800", 0, "write settings below it"),
    ("line: {baud: 4800}", "line: {baud: 4}", 0, "is too small; write at least 300"),
    ("/dev/ttyS7", "/dev/serial/by-id/usb-1a86", 0, "wire 'bus-1' uses the same"),
    ("brokers: [mqtts://a.example:8883, mqtts://b.example]", "brokers: []", 0, "too few entries"),
    ("mqtts://b.example", "ftp://b.example", 0, "write a broker as mqtts://host:8883"),
    ("mqtts://b.example", "mqtts://b.example:0", 0, "write a broker as"),
    ("mqtts://b.example", "mqtts://b.example:99999", 0, "write a broker as"),
    ("mqtts://b.example", "mqtts://b.example/topic", 0, "write a broker as"),
    ("mqtts://b.example", "'mqtts://'", 0, "write a broker as"),
    ("mqtts://b.example", "b.example", 0, "write a broker as"),
    ("mqtts://b.example", "mqtts://gate:hunter2@b.example", 0, "no user or password"),
    ("mqtts://b.example", "mqtts://:hunter2@b.example", 0, "no user or password"),
    ("mqtts://b.example", "mqtt://b.example", 0, "which is not encrypted"),
    ("client_id: gate-7", "client_id: ''", 0, "is too short; write at least 1"),
    ("client_id: gate-7", "client_id: 7", 0, "write text here, in quotes"),
    ("    username: gate\n", "", 0, "`password_file:` needs `username:`"),
    ("username: gate\n", "username: gate\n    password: hunter2\n", 1, "secrets come from files"),
    ("username: gate\n", "username: gate\n    token: hunter2\n", 1, "secrets come from files"),
    ("username: gate\n", "username: gate\n    Password: hunter2\n", 1, "secrets come from files"),
    ("username: gate\n", "username: gate\n    passwort: hunter2\n", 1, "is not a setting"),
    ("password_file: /", "password_file: hunter2 # /", 0, "write the whole path of a file"),
    ("password_file: /", "password_file: /hunter2 # /", 0, "is not there; create it"),
    ("password_file: /", "password_file: /etc # /", 0, "is not a file"),
    ("password_file: /", "password_file: /etc/passwd # /", 0, "everybody on this machine can"),
    ("{ca_file: /", "{ca_file: ca.pem, #/", 0, "the bracket that begins here is not closed"),
    ("{ca_file: /", "{ca_file: etc/", 0, "write the whole path of the file"),
    ("{ca_file: /", "{ca_file: /none/", 0, "is not there; create it"),
    ("cert_file: /", "cert_file: /none/", 0, "is not there; create it"),
    ("key_file: /", "key_file: /none/", 0, "is not there; create it"),
    ("cert_file: ", "cert_fil: ", 0, "did you mean 'cert_file'?"),
    ("mqtt: 5", "mqtt: 4", 0, "write one of: 5, 3.1.1"),
    ("mqtt: 5", "mqtt: 3.1", 0, "write one of: 5, 3.1.1"),
    ("mqtt: 5", "mqtt: true", 0, "write one of: 5, 3.1.1"),
    ("root: town/{gateway}", "root: town/#", 0, "write a topic without + and #"),
    ("root: town/{gateway}", "root: $SYS/x", 0, "write a topic without + and #"),
    ("root: town/{gateway}", "root: ''", 0, "write a topic without + and #"),
    ("root: town/{gateway}", "root: town/{site}", 0, "only {gateway} may stand in braces"),
    ("encoding: cbor", "encoding: xml", 0, "write one of: json, cbor"),
    ("batch: 100", "batch: 0", 0, "is too small; write at least 1"),
    ("batch: 100", "batch: 5001", 0, "is too large; write at most 5000"),
    ("window: 10", "window: 101", 0, "is too large; write at most 100"),
    ("keepalive: 30s", "keepalive: 1s", 0, "is too small; write at least 5s"),
    ("publish_deadline: 60s", "publish_deadline: 2h", 0, "is too large; write at most 1h"),
    ("no_listener: settle", "no_listener: drop", 0, "write one of: hold, settle"),
    ("live_period: 1s", "live_period: 1ms", 0, "is too small; write at least 50ms"),
    ("  - id: local\n", "  - id: city\n", 0, "'city' is the id of"),
    ("{socket: /run", "{socket: run", 0, "write the whole path, from / on"),
    ("127.0.0.1:9464", "9464", 0, "write host:port, like 127.0.0.1:9464"),
    ("127.0.0.1:9464", "127.0.0.1:99999", 0, "write host:port, like 127.0.0.1:9464"),
    ("metrics: {", "include: [no.yaml]\nmetrics: {", 0, "there is no such file"),
    ("metrics: {", "include: no.yaml\nmetrics: {", 0, "write a list here"),
    ("metrics: {", "include: ['*.yaml']\nmetrics: {", 0, "would include this file itself"),
    ("metrics: {", "sensors: []\nmetrics: {", 0, "is not a setting"),
    ("  name: 一号", "  name:一号", 0, "a space is missing behind the ':'"),
    ("  name: 一号", "   name: 一号", 0, "begins deeper than line"),
    ("  flushes: 5", " flushes: 5", 0, "the indentation does not fit"),
    ("    baud: 4800\n    parity", "    baud 4800\n    parity", 0, "needs a ':' and a space"),
    ("unit: 1, guard", "unit: 1 guard", 0, "or a comma is missing"),
    ("guard: 5ms}", "guard: 5ms", 0, "the bracket that begins here is not closed"),
    ("soil_temperature]", "soil_temperature", 0, "the bracket that begins here is not closed"),
    ('"127.0.0.1:9464"', '"127.0.0.1:9464', 0, "the quote that begins here is not closed"),
    ("name: 东区", "name: @东区", 0, "a value cannot begin with this character"),
    ("name: 东区", "name: *东区", 0, "a reference; put the text in quotes"),
    ("name: 东区", "name: !东区 a", 0, "a tag like !word has no meaning here"),
    ("place: “", "place: 甲: “", 0, "a second ': ' in one line"),
    ("devices:\n", "---\ndevices:\n", 0, "`---` begins a second document"),
]


@pytest.mark.parametrize(("old", "new", "offset", "fragment"), BY_HAND)
def test_a_mistake_names_its_line_and_its_cure(
    old: str, new: str, offset: int, fragment: str, sound: str, complaints: Complaints
) -> None:
    assert sound.count(old) >= 1
    line = line_of(sound, sound.index(old) + len(old) - len(old.lstrip())) + offset
    said = complaints(sound.replace(old, new, 1))
    assert any(one.startswith(f"{line}: ") and fragment in one for one in said), (line, said)


def test_the_sound_one_is_sound(write: Write, sound: str) -> None:
    assert load(write(sound)).devices


@given(seed=st.integers(0, 2**32))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_to_the_file_a_mistake_is_told_at_a_line_of_it(
    seed: int, sound: str, write: Write, jargon: re.Pattern[str]
) -> None:
    """Pieces cut out, doubled, moved, letters changed."""
    chance = random.Random(seed)
    text = sound
    for _ in range(chance.randint(1, 3)):
        at, length = chance.randrange(len(text)), chance.randint(0, 12)
        piece = chance.choice(
            ["", text[at : at + length] * 2, chance.choice(":-{}[]'\"#&*!|\t， \n")]
        )
        text = text[:at] + piece + text[at + length :]
    file = write(text)
    _, mistakes = examine(file)
    for mistake in mistakes:
        assert 1 <= mistake.line <= text.count("\n") + 1
        assert not jargon.search(mistake.problem), mistake
        assert "hunter2" not in str(mistake)
