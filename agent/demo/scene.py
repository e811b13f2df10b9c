"""The demo's site: a field, a greenhouse, a pump room and a gate, configured like any other."""

import json
import socket
from pathlib import Path

GATEWAY = "demo"
UPLINK = "cloud"
CABLE = "rs485-field"  # the one that is pulled
CAMERA = "gate-1"

_TEXT = """\
gateway: {{id: {gateway}, name: 演示网关}}

store: {{path: {folder}/store, max_size: 50MB}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}

wires:
  rs485-field: {{port: {folder}/rs485-field, baud: 4800}}
  rs485-greenhouse: {{port: {folder}/rs485-greenhouse, baud: 9600}}
  pump-room: {{connect: "127.0.0.1:{tcp}"}}
  roof: {{connect: "127.0.0.1:{rtu}", framing: rtu}}

devices:
  - {{id: soil-1, name: 一号地块, driver: modbus, profile: renke-soil-7in1,
     wire: rs485-field, unit: 1, every: 1s}}
  - {{id: soil-2, name: 二号地块, driver: modbus, profile: cwt-soil-thcph,
     wire: rs485-field, unit: 2, every: 1s}}
  - {{id: air-1, name: 大棚空气, driver: modbus, profile: xy-md02,
     wire: rs485-greenhouse, unit: 3, every: 1s}}
  - {{id: co2-1, name: 大棚二氧化碳, driver: modbus, profile: elt-mb350,
     wire: rs485-greenhouse, unit: 4, every: 1s}}
  - {{id: light-1, name: 大棚光照, driver: modbus, profile: dfrobot-sen0644,
     wire: rs485-greenhouse, unit: 5, every: 1s}}
  - {{id: relay-1, name: 灌溉阀, driver: modbus, profile: waveshare-relay-8ch,
     wire: rs485-greenhouse, unit: 6, every: 2s}}
  - {{id: meter-1, name: 泵房电表, driver: modbus, profile: eastron-sdm120,
     wire: pump-room, unit: 1, every: 1s}}
  - {{id: wind-1, name: 屋顶风速, driver: modbus, profile: renke-rs-fs,
     wire: roof, unit: 1, every: 500ms}}
{camera}
uplinks:
  - {{id: {uplink}, brokers: ["mqtt://{broker}"], mqtt: "{mqtt}", live_period: 500ms}}
"""

_CAMERA = """\
  - {{id: {camera}, name: 停车场入口, driver: camera, source: "{source}",
     tasks: [plates, occupancy], rest: 1s}}
"""


def write_scene(folder: Path, broker: str, mqtt: str, camera: str | None = None) -> Path:
    """The configuration's file. `broker` is host:port on this machine; `camera` the address of the
    gate's, None where there is none."""
    file = folder / "gateway.yaml"
    text = _TEXT.format(
        gateway=GATEWAY,
        uplink=UPLINK,
        folder=folder,
        tcp=free_port(),
        rtu=free_port(),
        broker=broker,
        camera=_camera(folder, camera) if camera else "",
        mqtt=mqtt,
    )
    file.write_text(text, encoding="utf-8")
    return file


def _camera(folder: Path, source: str) -> str:
    """Its entry; the zones are written where the driver looks for them."""
    from agent.demo.gate_scene import LINE, SIZE, spaces

    zones = {
        "camera": CAMERA,
        "size": SIZE,
        "lines": [{"id": "gate", "from": LINE[0], "to": LINE[1]}],
        "spaces": [{"id": name, "polygon": polygon} for name, polygon in spaces().items()],
    }
    file = folder / "store" / "zones" / f"{CAMERA}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(zones), encoding="utf-8")  # JSON is YAML
    return _CAMERA.format(camera=CAMERA, source=source)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
