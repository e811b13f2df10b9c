"""Settings and profiles that cannot work are refused, in words."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from agent.contract import Misconfigured

Build = Callable[..., AbstractAsyncContextManager[Any]]
Site = Callable[..., str]

CO2 = {"profile": "winsen-mh-z19", "timeout": "300ms", "max_late": "200ms", "warm_up": "0s"}
METER = {"profile": "cjt188-water-1f90", "address": "78330011223344", "timeout": "300ms",
         "max_late": "200ms"}  # fmt: skip
LOT = {"profile": "deying-m77r", "detectors": ["1-3"], "timeout": "400ms", "max_late": "200ms"}
BOARD = {"profile": "led-digit-board", "address": 5}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"profile": "winsen"}, "no profile is called"),
        (CO2 | {"address": 1}, "have no address"),
        (CO2 | {"detectors": [1]}, "have no detectors"),
        (CO2 | {"points": ["co3"]}, "has no point 'co3', but for example 'co2'"),
        ({"profile": "deying-m77r"}, "needs to know its detectors"),
        (METER | {"address": "123"}, "does not fit into 7 bytes"),
        (METER | {"address": 123}, "does not fit into 7 bytes"),
        (METER | {"address": "x" * 14}, "does not fit into 7 bytes"),
        (BOARD | {"address": 256}, "does not fit into 1 bytes"),
        (BOARD | {"address": "five"}, "does not fit into 1 bytes"),
        (METER | {"fields": {"meter_typ": 1}}, "have no field 'meter_typ'"),
        (LOT | {"detectors": {"a": 1, "b": 1}}, "a detector is named twice"),
        (CO2 | {"listen": "udp://127.0.0.1:5000"}, "a device has either"),
    ],
)
async def test_settings_that_do_not_fit_the_profile_are_told(
    options: Any, problem: str, build: Build
) -> None:
    with pytest.raises(Misconfigured, match=problem):
        async with build({"d": options}):
            pass


ENDLESS: dict[str, Any] = {
    "frame": [{"hex": "AA"}, {"body": True}, {"check": "sum8"}],
    "messages": {"ask": {}, "told": {"body": [{"field": "v", "type": "text", "size": None}]}},
    "polls": {"poll": {"send": "ask", "answer": "told"}},
    "points": {"v": {"field": "v", "unit": "1"}},
}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, "the message told is not understood when it comes back"),
        ({"messages": {"ask": {}, "told": {"set": {"v": 300}, "body": [{"field": "v"}]}}},
         "'300' does not fit into the field v"),
        ({"messages": {"ask": {}, "told": {"set": {"v": "ab"}, "body": [
            {"field": "v", "type": "raw", "size": 1}]}}}, "the message told is not understood"),
        ({"frame": []}, "frame: Tuple should have at least 1 item"),
    ],
)  # fmt: skip
async def test_a_profile_that_does_not_understand_itself_is_refused(
    change: dict[str, Any], problem: str, build: Build, site: Site
) -> None:
    with pytest.raises(Misconfigured, match=problem):
        async with build({"d": {"profile": site(**ENDLESS | change)}}):
            pass
