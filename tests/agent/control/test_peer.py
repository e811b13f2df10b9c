"""Who may do what on the control socket, by the kernel's word."""

import asyncio
import grp
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.contract import Misconfigured
from agent.control.peer import Peer
from agent.control.server import Answers, Rules, serve

READERS, WRITERS = grp.getgrgid(60).gr_name, grp.getgrgid(50).gr_name  # any two groups
RULES = Rules(needs_write=frozenset({"write"}), readers=(READERS, WRITERS), writers=(WRITERS,))
ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b'{"do": "%s"}\\n' % sys.argv[2].encode())
print(s.makefile().readline())
"""


def peer(*groups: str, uid: int = 4321) -> Peer:
    return Peer(1, uid, frozenset(grp.getgrnam(name).gr_gid for name in groups))


@pytest.mark.parametrize(
    ("who", "reads", "writes"),
    [
        (peer(uid=0), True, True),
        (peer(uid=os.geteuid()), True, True),
        (peer(READERS), True, False),
        (peer(WRITERS), True, True),
        (peer(), False, False),
    ],
    ids=["root", "the service's account", "reader", "writer", "stranger"],
)
def test_reading_and_writing_have_a_group_each(who: Peer, reads: bool, writes: bool) -> None:
    assert _admitted(who, "status") is reads
    assert _admitted(who, "write") is writes


def _admitted(who: Peer, verb: str) -> bool:
    try:
        RULES.admit(who, verb)
    except Misconfigured:
        return False
    return True


def test_a_group_that_does_not_exist_admits_nobody() -> None:
    rules = Rules(readers=("no-such-group",))
    with pytest.raises(Misconfigured) as caught:
        rules.admit(peer(READERS, WRITERS), "status")
    assert caught.value.hint == "sudo usermod -aG no-such-group 4321"


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
@pytest.mark.parametrize(
    ("group", "verb", "allowed"),
    [
        ("nogroup", "status", False),
        (READERS, "status", True),
        (READERS, "write", False),
        (WRITERS, "write", True),
    ],
)
async def test_the_kernel_says_who_asks(
    socket_path: Path, group: str, verb: str, allowed: bool
) -> None:
    async def whoami(request: Mapping[str, Any], peer: Peer) -> Answers:
        yield {"user": peer.name}

    async with serve(socket_path, {"status": whoami, "write": whoami}, RULES):
        child = await asyncio.create_subprocess_exec(
            "/usr/bin/env", "python3", "-c", ASK, str(socket_path), verb,
            user="nobody", group=group, extra_groups=[], stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        answer = json.loads((await child.communicate())[0])
    assert answer.get("user") == ("nobody" if allowed else None)
    assert ("error" in answer) is not allowed
