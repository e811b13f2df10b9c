"""Who is asking: the other end of the control socket, by the kernel's word."""

import grp
import os
import pwd
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

_UCRED = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED


@dataclass(frozen=True, slots=True)
class Peer:
    """`groups` are the ids of the groups that the account belongs to, its primary one included."""

    pid: int
    uid: int
    groups: frozenset[int]

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def in_any(self, names: Iterable[str]) -> bool:
        return any(_gid(name) in self.groups for name in names)

    def trusted(self) -> bool:
        """Root, or the account that the service itself runs under."""
        return self.uid in {0, os.geteuid()}


def peer_of(connection: socket.socket) -> Peer:
    """Groups come from the account database, so that one just added needs no new login."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, gid = _UCRED.unpack(raw)
    try:
        groups = os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:  # an account of a container, unknown here
        groups = [gid]
    return Peer(pid, uid, frozenset(groups))


def _gid(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
