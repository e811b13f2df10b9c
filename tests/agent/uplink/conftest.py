"""A mosquitto, and clouds that listen to it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support_broker import Broker, Cloud


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Started at once unless `start=False`."""
    brokers: list[Broker] = []

    def make(config: str = "", *, start: bool = True, global_config: str = "") -> Broker:
        broker = Broker(tmp_path, config, global_config)
        brokers.append(broker)
        if start:
            broker.start()
        return broker

    yield make
    for broker in brokers:
        broker.kill()


@pytest.fixture
def broker(make_broker: Callable[..., Broker]) -> Broker:
    return make_broker()


@pytest.fixture
def listen() -> Iterator[Callable[..., Cloud]]:
    clouds: list[Cloud] = []

    def subscribe(port: int, *filters: str, **paho: Any) -> Cloud:
        cloud = Cloud(port, *filters, **paho)
        clouds.append(cloud)
        return cloud

    yield subscribe
    for cloud in clouds:
        cloud.close()
