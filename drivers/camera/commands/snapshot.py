"""`fieldgate vision snapshot CAMERA`: through the running service, else with the camera opened
here."""

import argparse
import asyncio
import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.contract import Device, Host, LinkLost, Misconfigured, Tools
from drivers.camera.commands.lots import read_zones
from drivers.camera.commands.opening import open_eyes
from drivers.camera.zones import Zones

if TYPE_CHECKING:
    from drivers.camera.driver import CameraDriver
    from drivers.camera.vision.arrays import Image

PATIENCE = 30.0  # s for the first picture of a camera that is opened here
RETRY = 0.5  # s


def run(args: argparse.Namespace, tools: Tools) -> int:
    """Raises LinkLost when the camera has no picture, Misconfigured."""
    from drivers.camera.commands import drawing

    image = decoded(taken(args, tools))
    height, width = image.shape[:2]
    file = tools.zones(args.camera, args.store)
    zones = (
        read_zones(file, tools)
        if file.is_file()
        else Zones(camera=args.camera, size=(width, height))
    )
    plates = open_eyes(tools, args.store, ("detector",)).plates(image)
    drawing.draw(image, zones.scaled(width, height), plates)
    out = args.out or Path(f"{args.camera}.jpg")
    _write(out, image)
    widths = [round(plate.width) for plate in plates]
    if args.json:
        told = {"file": str(out), "width": width, "height": height, "plate_widths": widths}
        print(json.dumps(told, ensure_ascii=False))
        return 0
    print(tools.say("{file}: {width} by {height} pixels", file=out, width=width, height=height))
    if not file.is_file():
        print(tools.say("there are no zones yet; write them to {file}", file=file))
    for wide in widths:
        print(_aim(wide, tools))
    return 0


def _aim(width: int, tools: Tools) -> str:
    from drivers.camera.commands.drawing import NARROW

    if width >= NARROW:
        return tools.say("plate width {width} px: good", width=width)
    return tools.say("plate width {width} px: too small (< {least})", width=width, least=NARROW)


def taken(args: argparse.Namespace, tools: Tools) -> bytes:
    """A JPEG."""
    try:
        answer = tools.ask({"do": "snapshot", "device": args.camera}, args.config)
    except LinkLost as error:
        if error.reason != "no_service":
            raise
        with tools.device(args.camera, args.config) as (device, host):
            return asyncio.run(_alone(device, host))
    return base64.b64decode(str(answer["jpeg"]))


async def _alone(device: Device, host: Host) -> bytes:
    from drivers.camera.driver import CameraDriver

    if device.driver != "camera":
        raise Misconfigured(
            "{device} is no camera", hint="its driver is {driver}", device=device.id,
            driver=device.driver,
        )  # fmt: skip
    driver = CameraDriver(device, host)
    await driver.open()
    hearing = asyncio.create_task(_hear(driver))
    seeing = asyncio.create_task(_first(driver))
    try:
        await asyncio.wait({hearing, seeing}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if hearing.done() and not seeing.done():
            await hearing  # raises what its process died of
        if seeing.done():
            return await seeing
    finally:
        for task in (hearing, seeing):
            task.cancel()
        await asyncio.gather(hearing, seeing, return_exceptions=True)
        await driver.close()
    raise LinkLost(
        "{device} gave no picture within {timeout:g} s",
        hint="look after its power, its network and its login",
        reason="no_frames",
        device=device.id,
        timeout=PATIENCE,
    )


async def _hear(driver: "CameraDriver") -> None:
    """Its words have to be taken for its pictures to come. Raises LinkLost when there are no more
    to come."""
    async for _ in driver.readings():
        pass


async def _first(driver: "CameraDriver") -> bytes:
    while True:
        try:
            return await driver.snapshot()
        except LinkLost:
            await asyncio.sleep(RETRY)


def decoded(jpeg: bytes) -> "Image":
    """Raises LinkLost."""
    import cv2

    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise LinkLost("the picture is broken", hint="try once more")
    return np.asarray(image, np.uint8)


def _write(out: Path, image: "Image") -> None:
    from drivers.camera.child.shots import jpeg

    try:
        out.write_bytes(jpeg(image))
    except OSError as error:
        raise Misconfigured(
            "{file} cannot be written: {why}",
            hint="use sudo, or name another place with --out",
            file=out,
            why=error.strerror or error,
        ) from error
