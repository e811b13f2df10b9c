import hashlib
import json
import re
import sqlite3
from contextlib import closing

from agent.memory import trim


def test_everything_still_runs_after_its_code_was_let_go() -> None:
    trim()
    assert hashlib.sha256(b"x").hexdigest().startswith("2d711642")
    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute("SELECT 6 * 7").fetchone() == (42,)
    assert json.loads(re.sub("a", "1", "[a, a]")) == [1, 1]
