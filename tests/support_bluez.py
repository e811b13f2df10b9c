"""An org.bluez of our own on a private D-Bus: what bleak and the driver speak to in tests.

It answers as BlueZ 5.82 was seen to: adapters that scan, devices that appear when they are heard,
GATT over a connection, and the ways in which each of these fails.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from tests.support_bluez_parts import (
    CHARACTERISTIC,
    SERVICE,
    Characteristic,
    Interfaces,
    Peripheral,
    Read,
    Write,
)

ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
MONITORS = "org.bluez.AdvertisementMonitorManager1"
PROPERTIES, OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
FAILED, NOT_READY = "org.bluez.Error.Failed", "org.bluez.Error.NotReady"
HANG = 60.0  # s: longer than anybody waits

Answer = tuple[str, list[Any]]  # signature, body


class Refusal(Exception):
    """The D-Bus error that a call is answered with."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(name, text)
        self.name, self.text = name, text


class Bluez:
    """bluetoothd with one adapter. Methods that change it send the signals that BlueZ sends."""

    def __init__(self, address: str, adapter: str = "hci0") -> None:
        self.adapter, self.path = adapter, f"/org/bluez/{adapter}"
        self.powered, self.present = True, True
        self.scans = 0  # discovery sessions
        self.deaf = False  # the scan hears nothing although it says that it runs
        self.power_cycles = self.starts = 0
        self.filter: dict[str, Any] = {}
        self.devices: dict[str, Peripheral] = {}  # by path
        self.monitors: set[str] = set()
        self._live: set[str] = set()
        self._address = address
        self._bus: MessageBus | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        bus = await MessageBus(bus_address=self._address).connect()
        bus.add_message_handler(self._called)
        await bus.request_name("org.bluez")
        self._bus = bus
        self._signal_added(self.path, self._adapter_interfaces())

    async def stop(self) -> None:
        """Killed: nobody is told."""
        bus, self._bus = self._bus, None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if bus is not None:
            bus.disconnect()
            with contextlib.suppress(EOFError):  # the bus went first
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # theirs
        self.scans, self._live = 0, set()
        self.monitors.clear()

    def device(self, address: str, name: str = "") -> Peripheral:
        path = f"{self.path}/dev_{address.replace(':', '_')}"
        return self.devices.setdefault(path, Peripheral(address, path, name))

    def add_service(
        self,
        device: Peripheral,
        uuid: str,
        characteristics: Sequence[tuple[str, Read | None, Write | None]],
    ) -> list[Characteristic]:
        base = len(device.gatt) * 16 + 1
        own = f"{device.path}/service{base:04x}"
        made = [
            Characteristic(f"{own}/char{base + 1 + 2 * number:04x}", name, read, write)
            for number, (name, read, write) in enumerate(characteristics)
        ]
        device.gatt[uuid] = made
        return made

    def advertise(
        self,
        device: Peripheral,
        services: Mapping[str, bytes] | None = None,
        manufacturers: Mapping[int, bytes] | None = None,
        rssi: int | None = None,
    ) -> bool:
        """One received advertisement. False: nobody scans."""
        if not (self.scans or self.monitors) or self.deaf or not self.powered or not self.present:
            return False
        device.services = dict(services or {})
        device.manufacturers = dict(manufacturers or {})
        device.rssi = device.rssi if rssi is None else rssi
        if device.path not in self._live:
            self._live.add(device.path)
            self._signal_added(device.path, {DEVICE: device.properties()})
        else:
            self._signal_changed(device.path, DEVICE, device.heard())
        return True

    def forget(self, device: Peripheral) -> None:
        """BlueZ lets go of what it has not heard for a while."""
        self._live.discard(device.path)
        self.devices.pop(device.path, None)
        self._signal_removed(device.path, [DEVICE])

    def notify(self, characteristic: Characteristic, value: bytes) -> None:
        if characteristic.notifying:
            told = {"Value": Variant("ay", value)}
            self._signal_changed(characteristic.path, CHARACTERISTIC, told)

    def set_powered(self, on: bool) -> None:
        self.power_cycles += on and not self.powered
        self.powered = on
        if not on:
            self.scans = 0
        told = {"Powered": Variant("b", on), "Discovering": Variant("b", bool(self.scans))}
        self._signal_changed(self.path, ADAPTER, told)

    def unplug(self) -> None:
        for device in self.devices.values():
            self.drop(device)
            if device.path in self._live:
                self._signal_removed(device.path, [DEVICE])
        self._live.clear()
        self.present, self.scans = False, 0
        self.monitors.clear()
        self._signal_removed(self.path, [ADAPTER])

    def plug(self) -> None:
        self.present = True
        self._signal_added(self.path, self._adapter_interfaces())

    def drop(self, device: Peripheral) -> None:
        """The connection ends."""
        if device.connected:
            device.connected = device.resolved = False
            if device.dropped is not None:
                device.dropped()
            for path in device.objects():
                self._signal_removed(path, [SERVICE, CHARACTERISTIC])
            self._signal_changed(
                device.path,
                DEVICE,
                {"Connected": Variant("b", False), "ServicesResolved": Variant("b", False)},
            )

    def _called(self, message: Message) -> bool:
        """A method call: answered by a task, as some take their time."""
        if message.message_type is not MessageType.METHOD_CALL or self._bus is None:
            return False
        if message.interface == "org.freedesktop.DBus.Peer":
            return False
        task = asyncio.get_running_loop().create_task(self._answer(self._bus, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _answer(self, bus: MessageBus, message: Message) -> None:
        try:
            signature, body = await self._do(message)
            reply = Message.new_method_return(message, signature, body)
        except Refusal as refusal:
            reply = Message.new_error(message, refusal.name, refusal.text)
        with contextlib.suppress(Exception):  # the bus was closed meanwhile
            await bus.send(reply)

    async def _do(self, message: Message) -> Answer:
        """(signature, body) of the answer."""
        path, member = message.path or "", message.member or ""
        if member == "GetManagedObjects":
            return "a{oa{sa{sv}}}", [self._objects()]
        if path not in self._objects():
            raise Refusal("org.freedesktop.DBus.Error.UnknownObject", path)
        if message.interface == PROPERTIES:
            return self._properties(path, member, message.body)
        do: Mapping[str, Callable[[str, str, list[Any]], Awaitable[Answer]]] = {
            ADAPTER: self._adapter_call,
            MONITORS: self._monitor_call,
            DEVICE: self._device_call,
            CHARACTERISTIC: self._characteristic_call,
        }
        call = do.get(message.interface or "")
        if call is None:
            raise Refusal("org.freedesktop.DBus.Error.UnknownMethod", member)
        return await call(path, member, message.body)

    def _properties(self, path: str, member: str, body: list[Any]) -> Answer:
        if member == "Set":
            if path == self.path and body[1] == "Powered":
                self.set_powered(bool(body[2].value))
            return "", []
        told = self._objects()[path].get(body[0], {})
        return ("a{sv}", [told]) if member == "GetAll" else ("v", [told[body[1]]])

    async def _adapter_call(self, _: str, member: str, body: list[Any]) -> Answer:
        if member == "SetDiscoveryFilter":
            self.filter = {name: value.value for name, value in body[0].items()}
        elif not self.powered:
            raise Refusal(NOT_READY, "Resource Not Ready")
        elif member == "StartDiscovery":
            self._scan(+1)
        elif member == "StopDiscovery":
            if not self.scans:
                raise Refusal(FAILED, "No discovery started")
            self._scan(-1)
        return "", []

    def _scan(self, change: int) -> None:
        self.scans += change
        self.starts += change > 0
        told = {"Discovering": Variant("b", bool(self.scans))}
        self._signal_changed(self.path, ADAPTER, told)

    async def _monitor_call(self, _: str, member: str, body: list[Any]) -> Answer:
        if member == "RegisterMonitor":
            self.monitors.add(body[0])
        else:
            self.monitors.discard(body[0])
        return "", []

    async def _device_call(self, path: str, member: str, _: list[Any]) -> Answer:
        device = self.devices[path]
        if member == "Disconnect":
            self.drop(device)
        elif member == "Connect":
            await self._connect(device)
        return "", []

    async def _connect(self, device: Peripheral) -> None:
        if device.fault == "connect-hang":
            await asyncio.sleep(HANG)
        if device.fault == "connect-fail":
            raise Refusal(FAILED, "le-connection-abort-by-peer")
        device.connected = True
        device.connections += 1
        self._signal_changed(device.path, DEVICE, {"Connected": Variant("b", True)})
        for path, interfaces in device.objects().items():
            self._signal_added(path, interfaces)
        if device.fault != "no-resolve":
            device.resolved = True
            self._signal_changed(device.path, DEVICE, {"ServicesResolved": Variant("b", True)})

    async def _characteristic_call(self, path: str, member: str, body: list[Any]) -> Answer:
        device, one = self._owner(path)
        if member == "ReadValue" and one.read is not None:
            if device.fault == "read-hang":
                await asyncio.sleep(HANG)
            if device.fault == "read-fail":
                raise Refusal(FAILED, "Operation failed with ATT error: 0x0e")
            return "ay", [one.read()]
        if member == "WriteValue" and one.write is not None:
            one.write(bytes(body[0]))
        if member in {"StartNotify", "StopNotify"}:
            one.notifying = member == "StartNotify"
        return "", []

    def _owner(self, path: str) -> tuple[Peripheral, Characteristic]:
        return next(
            (device, one)
            for device in self.devices.values()
            for those in device.gatt.values()
            for one in those
            if one.path == path
        )

    def _adapter_interfaces(self) -> Interfaces:
        return {
            ADAPTER: {
                "Address": Variant("s", "00:1A:7D:DA:71:13"),
                "Powered": Variant("b", self.powered),
                "Discovering": Variant("b", bool(self.scans)),
                "UUIDs": Variant("as", []),
                "Roles": Variant("as", ["central", "peripheral"]),
            },
            MONITORS: {},
        }

    def _objects(self) -> dict[str, Interfaces]:
        found: dict[str, Interfaces] = {}
        if self.present:
            found[self.path] = self._adapter_interfaces()
        for device in self.devices.values():
            if device.path in self._live:
                found[device.path] = {DEVICE: device.properties()}
                if device.resolved:
                    found |= device.objects()
        return found

    def _signal_added(self, path: str, interfaces: Interfaces) -> None:
        self._signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def _signal_removed(self, path: str, interfaces: list[str]) -> None:
        self._signal("/", OBJECTS, "InterfacesRemoved", "oas", [path, interfaces])

    def _signal_changed(self, path: str, interface: str, told: dict[str, Variant]) -> None:
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, told, []])

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> None:
        if self._bus is not None:
            self._bus.send(Message.new_signal(path, interface, member, signature, body))
