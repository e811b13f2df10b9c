import hashlib
import json
import re
import sqlite3

from agent.memory import trim


def test_everything_still_runs_after_its_code_was_let_go() -> None:
    trim()
    assert hashlib.sha256(b"x").hexdigest().startswith("2d711642")
    assert sqlite3.connect(":memory:").execute("SELECT 6 * 7").fetchone() == (42,)
    assert json.loads(re.sub("a", "1", "[a, a]")) == [1, 1]
