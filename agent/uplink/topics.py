"""Where an uplink publishes, from its `root:` template."""

from dataclasses import dataclass

from agent.contract import Lane, Misconfigured


@dataclass(frozen=True, slots=True)
class Topics:
    root: str

    @classmethod
    def of(cls, template: str, gateway: str) -> "Topics":
        """Raises Misconfigured for a root that is no topic, or has a {word} nobody fills in."""
        try:
            root = template.format(gateway=gateway)
        except (LookupError, ValueError, AttributeError) as error:
            raise Misconfigured(
                "`root: {root}` cannot be filled in",
                hint="only {{gateway}} may stand in braces",
                root=template,
            ) from error
        if not root.strip("/") or set("+#\0") & set(root) or root.startswith("$"):
            raise Misconfigured(
                "`root: {root}` is no topic to publish below",
                hint="write it without + and #, like fieldgate/{{gateway}}",
                root=template,
            )
        return cls(root)

    def pack(self, stream: str, lane: Lane) -> str:
        return f"{self.root}/{stream}" if lane is Lane.LIVE else f"{self.root}/backlog/{stream}"

    @property
    def status(self) -> str:
        return f"{self.root}/status"

    @property
    def describe(self) -> str:
        return f"{self.root}/describe"

    @property
    def manifest(self) -> str:
        return f"{self.root}/manifest"
