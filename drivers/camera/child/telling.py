"""Who is told what was seen, and asks for more."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Teller(Protocol):
    """The pipe to the parent is one."""

    def tell(self, kind: str, body: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None: ...

    def wishes(self) -> list[Mapping[str, Any]]: ...

    def beat(self) -> None: ...
