"""Imports all that fieldgate is made of, and says which version of it and how long it took."""

import importlib
import platform
import sqlite3
import sys
import time
from importlib.metadata import PackageNotFoundError, entry_points, version

LIBRARIES = {
    "pydantic": "pydantic",
    "yaml": "pyyaml",
    "paho.mqtt.client": "paho-mqtt",
    "pymodbus.client": "pymodbus",
    "serial": "pyserial",
    "cbor2": "cbor2",
    "sqlite_utils": "sqlite-utils",
    "tenacity": "tenacity",
    "prometheus_client": "prometheus-client",
    "amqtt.broker": "amqtt",
    "dbus_fast": "dbus-fast",
    "bleak": "bleak",
    "numpy": "numpy",
    "cv2": "opencv-python-headless",
    "onnxruntime": "onnxruntime",
}


def main() -> None:
    sys.stdout.write(f"{platform.machine()}, Python {platform.python_version()}, ")
    sys.stdout.write(f"SQLite {sqlite3.sqlite_version}\n")
    for module, package in LIBRARIES.items():
        began = time.monotonic()
        importlib.import_module(module)
        try:
            known = version(package)
        except PackageNotFoundError:
            known = "?"
        sys.stdout.write(f"{package} {known}: {time.monotonic() - began:.1f} s\n")
    for driver in entry_points(group="fieldgate.drivers"):
        driver.load()
        sys.stdout.write(f"driver {driver.name}\n")


if __name__ == "__main__":
    main()
