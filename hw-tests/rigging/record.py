"""What a run showed, with the rig it was shown on: build/hw-tests/NAME.json and .md."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rigging.inventory import Inventory


@dataclass
class Record:
    inventory: Inventory
    facts: dict[str, str] = field(default_factory=dict)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    tests: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, report: pytest.TestReport) -> None:
        """Of a test's three phases, the one that says most."""
        name = report.nodeid.split("/", 1)[-1]
        if report.when == "call" or report.outcome != "passed":
            self.tests[name] = {
                "outcome": report.outcome,
                "seconds": round(report.duration, 1),
                "why": _why(report),
                "measured": dict(report.user_properties),
            }

    def write(self, folder: Path) -> None:
        if not self.tests:
            return
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.inventory.place}-{self.began:%Y%m%dT%H%M%S}"
        said = {
            "rig": self.inventory.place,
            "about": self.inventory.about,
            "began": f"{self.began:%Y-%m-%dT%H:%M:%SZ}",
            "facts": self.facts,
            "tests": self.tests,
        }
        (folder / f"{name}.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
        (folder / f"{name}.md").write_text(self._markdown())

    def _markdown(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self.facts.items() if value)
        lines = [
            f"# {self.inventory.place}: {self.inventory.about}",
            "",
            f"{self.began:%Y-%m-%d %H:%M} UTC. {facts}",
            "",
            "| test | outcome | s | measured, or why not |",
            "|---|---|---|---|",
        ]
        for name, test in self.tests.items():
            measured = "; ".join(f"{key} {value}" for key, value in test["measured"].items())
            said = measured or test["why"]
            lines.append(f"| {name} | {test['outcome']} | {test['seconds']} | {said} |")
        return "\n".join(lines) + "\n"


def _why(report: pytest.TestReport) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    if report.failed:
        return report.longreprtext.strip().splitlines()[-1]
    return ""
