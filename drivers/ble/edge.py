"""What goes wrong in bleak, BlueZ and D-Bus, said once in the gateway's three errors."""

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from dbus_fast.errors import AuthError, DBusError

from agent.contract import DeviceFault, GatewayError, LinkLost, Misconfigured

TROUBLES = (BleakError, DBusError, AuthError, OSError, EOFError, TimeoutError)
"""What the libraries raise. Without a system bus it is FileNotFoundError, no BleakError."""

_NOBODY = {
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",
}
_GONE = {"org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod"}
_DENIED = "org.freedesktop.DBus.Error.AccessDenied"


def radio_trouble(error: Exception, adapter: str) -> GatewayError:
    """Of the adapter, the service behind it, or the way to it."""
    if isinstance(error, GatewayError):
        return error
    name = _name(error)
    if name == _DENIED or isinstance(error, AuthError | PermissionError):
        return denied()
    if name in _NOBODY:
        return no_service()
    if name in _GONE or isinstance(error, BleakBluetoothNotAvailableError):
        return no_adapter(adapter)
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return LinkLost(
            "the system's D-Bus is not there: {why}",
            hint="look at it: systemctl status dbus bluetooth",
            reason="no_adapter",
            why=error.strerror or error,
        )
    return LinkLost(
        "the radio {adapter} does not do as it is told: {why}",
        hint="look at it: bluetoothctl show; dmesg | grep -i bluetooth; replug a USB radio",
        reason="no_adapter",
        adapter=adapter,
        why=str(error) or type(error).__name__,
    )


def device_trouble(error: Exception, device: str) -> GatewayError:
    """Of one connection."""
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, BleakGATTProtocolError):
        return DeviceFault(
            "{device} refused: {why}",
            hint="see that the profile fits the device and its firmware",
            reason="refused",
            device=device,
            why=error,
        )
    if isinstance(error, BleakCharacteristicNotFoundError):
        return DeviceFault(
            "{device} has no characteristic {uuid}",
            hint="see that the profile fits the device and its firmware",
            reason="wrong_device",
            device=device,
            uuid=error.char_specifier,
        )
    if isinstance(error, TimeoutError | BleakDeviceNotFoundError):
        return unheard(device)
    if _name(error) in _NOBODY:
        return no_service()
    return LinkLost(
        "{device}: the connection failed: {why}",
        hint="bring it nearer, or change its battery; one program at a time may be connected",
        reason="connection",
        device=device,
        why=str(error) or type(error).__name__,
    )


def unheard(device: str) -> LinkLost:
    return LinkLost(
        "{device} did not answer in time",
        hint="see that it has power and is in reach: fieldgate scan ble",
        device=device,
    )


def no_adapter(adapter: str) -> LinkLost:
    return LinkLost(
        "the radio {adapter} is not there",
        hint="plug it in, or correct `adapter:`; bluetoothctl list shows what is there",
        reason="no_adapter",
        adapter=adapter,
    )


def powered_off(adapter: str) -> LinkLost:
    return LinkLost(
        "the radio {adapter} is switched off and cannot be switched on",
        hint="rfkill unblock bluetooth; bluetoothctl power on",
        reason="no_adapter",
        adapter=adapter,
    )


def no_service() -> LinkLost:
    return LinkLost(
        "the Bluetooth service does not run",
        hint="start it: systemctl start bluetooth",
        reason="no_adapter",
    )


def denied() -> Misconfigured:
    return Misconfigured(
        "this user may not use Bluetooth",
        hint="add it to the group: usermod -aG bluetooth fieldgate; then start the service again",
    )


def _name(error: Exception) -> str:
    """Of a D-Bus error."""
    if isinstance(error, BleakDBusError):
        return error.dbus_error
    return error.type if isinstance(error, DBusError) else ""
