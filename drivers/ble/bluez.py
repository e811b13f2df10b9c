"""What bleak does not do: finding an adapter, looking at it, switching its power."""

import asyncio
from dataclasses import dataclass
from typing import Any

from dbus_fast import BusType, Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from drivers.ble.edge import no_adapter

ANSWER = 5.0  # s that D-Bus may take
OFF = 1.0  # s that the power stays off
_SERVICE, _ADAPTER = "org.bluez", "org.bluez.Adapter1"
_PROPERTIES, _OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"


@dataclass(frozen=True, slots=True)
class State:
    powered: bool
    scanning: bool


class Bluez:
    """Speaks to bluetoothd. Raises what `edge.TROUBLES` lists; connects anew when it has to."""

    def __init__(self) -> None:
        self._bus: MessageBus | None = None

    def close(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()

    async def find(self, adapter: str) -> str:
        """`hci0` of an adapter's name or address. Raises LinkLost where it is not there."""
        objects = await self._call("/", _OBJECTS, "GetManagedObjects")
        for path, interfaces in objects.items():
            found = interfaces.get(_ADAPTER)
            name = str(path).rpartition("/")[2]
            if found is not None and adapter in {name, found["Address"].value}:
                return name
        raise no_adapter(adapter)

    async def look(self, name: str) -> State:
        told = await self._call(_path(name), _PROPERTIES, "GetAll", "s", [_ADAPTER])
        return State(bool(told["Powered"].value), bool(told["Discovering"].value))

    async def power(self, name: str, *, on: bool) -> None:
        body = [_ADAPTER, "Powered", Variant("b", on)]
        await self._call(_path(name), _PROPERTIES, "Set", "ssv", body)

    async def power_cycle(self, name: str) -> None:
        await self.power(name, on=False)
        await asyncio.sleep(OFF)
        await self.power(name, on=True)

    async def _call(
        self, path: str, interface: str, member: str, signature: str = "", body: Any = ()
    ) -> Any:
        async with asyncio.timeout(ANSWER):
            bus = await self._connected()
            reply = await bus.call(
                Message(
                    destination=_SERVICE,
                    path=path,
                    interface=interface,
                    member=member,
                    signature=signature,
                    body=list(body),
                    flags=MessageFlag.NO_AUTOSTART,
                )
            )
        if reply is None or reply.message_type is MessageType.ERROR:
            name = reply.error_name if reply else None
            why = str(reply.body[0]) if reply and reply.body else ""
            raise DBusError(name or "org.freedesktop.DBus.Error.NoReply", why)
        return reply.body[0] if reply.body else None

    async def _connected(self) -> MessageBus:
        if self._bus is None or not self._bus.connected:
            self.close()
            bus = MessageBus(bus_type=BusType.SYSTEM)
            try:
                self._bus = await bus.connect()
            except BaseException:
                bus.disconnect()  # gives its socket back
                raise
        return self._bus


def _path(name: str) -> str:
    return f"/org/bluez/{name}"
