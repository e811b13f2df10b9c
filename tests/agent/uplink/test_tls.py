"""TLS against a real mosquitto: who signed whom, and what the technician is told when not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.support_uplink import Broker, Cloud, eventually, running, uplink_settings

MakeBroker = Callable[..., Broker]


@dataclass
class Papers:
    """A CA, the broker's certificate and a gateway's, as files."""

    folder: Path
    ca: Path
    config: str

    @property
    def gateway(self) -> dict[str, str]:
        return {
            "ca_file": str(self.ca),
            "cert_file": str(self.folder / "gw.pem"),
            "key_file": str(self.folder / "gw.key"),
        }


def _write(folder: Path, name: str, cert: trustme.LeafCert) -> None:
    cert.private_key_pem.write_to_path(str(folder / f"{name}.key"))
    cert.cert_chain_pems[0].write_to_path(str(folder / f"{name}.pem"))


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    _write(tmp_path, "broker", authority.issue_cert("localhost", "127.0.0.1"))
    _write(tmp_path, "gw", authority.issue_cert("gw@town", common_name="gw-1"))
    config = (
        f"cafile {tmp_path}/ca.pem\ncertfile {tmp_path}/broker.pem\n"
        f"keyfile {tmp_path}/broker.key\nallow_anonymous true"
    )
    return Papers(tmp_path, tmp_path / "ca.pem", config)


async def test_records_travel_over_mutual_tls(
    papers: Papers, make_broker: MakeBroker, listen: Callable[..., Cloud]
) -> None:
    broker = make_broker(papers.config + "\nrequire_certificate true")
    pair = papers.gateway
    tls = {"ca_certs": pair["ca_file"], "certfile": pair["cert_file"], "keyfile": pair["key_file"]}
    cloud = listen(broker.port, tls=tls)
    settings = uplink_settings(f"mqtts://127.0.0.1:{broker.port}", tls=pair)
    async with running(settings) as uplink:
        uplink.outbox.add(1000)
        await eventually(lambda: len(uplink.outbox.settled()) == 1000)
        await eventually(lambda: len(cloud.numbers()) == 1000)


async def test_a_foreign_ca_is_refused(
    papers: Papers, make_broker: MakeBroker, tmp_path: Path
) -> None:
    broker = make_broker(papers.config)
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    settings = uplink_settings(
        f"mqtts://127.0.0.1:{broker.port}", tls={"ca_file": str(tmp_path / "other.pem")}
    )
    async with running(settings) as uplink:
        await eventually(lambda: uplink.status.state == "waiting")
        assert "cannot prove who it is" in uplink.status.error
        assert "ca_file" in uplink.status.hint
        assert "clock" in uplink.status.hint
        assert uplink.status.connects == 0


async def test_a_certificate_for_another_name_is_refused(
    papers: Papers, make_broker: MakeBroker, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    _write(tmp_path, "broker", authority.issue_cert("elsewhere.example"))
    broker = make_broker(papers.config)
    settings = uplink_settings(f"mqtts://127.0.0.1:{broker.port}", tls={"ca_file": str(papers.ca)})
    async with running(settings) as uplink:
        await eventually(lambda: "cannot prove who it is" in uplink.status.error)
        assert "127.0.0.1" in uplink.status.error


async def test_a_broker_that_wants_a_certificate_says_so(
    papers: Papers, make_broker: MakeBroker
) -> None:
    broker = make_broker(papers.config + "\nrequire_certificate true")
    settings = uplink_settings(f"mqtts://127.0.0.1:{broker.port}", tls={"ca_file": str(papers.ca)})
    async with running(settings) as uplink:
        await eventually(lambda: uplink.status.state == "waiting")
        assert "cert_file" in uplink.status.hint
        assert uplink.status.connects == 0


async def test_tls_on_a_plain_port_is_told_apart(broker: Broker, papers: Papers) -> None:
    settings = uplink_settings(f"mqtts://127.0.0.1:{broker.port}", tls={"ca_file": str(papers.ca)})
    async with running(settings) as uplink:
        await eventually(lambda: uplink.status.state == "waiting")
        assert uplink.status.error
        assert uplink.status.connects == 0


async def test_a_ca_file_that_is_not_there_is_named_and_looked_for_again(
    papers: Papers, make_broker: MakeBroker, tmp_path: Path
) -> None:
    broker, later = make_broker(papers.config), tmp_path / "later.pem"
    settings = uplink_settings(f"mqtts://127.0.0.1:{broker.port}", tls={"ca_file": str(later)})
    async with running(settings) as uplink:
        await eventually(lambda: str(later) in uplink.status.error)
        later.write_bytes(papers.ca.read_bytes())
        await eventually(lambda: uplink.status.state == "connected")
