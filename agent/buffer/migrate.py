"""`python -m agent.buffer.migrate FILE`: the short process that creates or updates a store."""

import sys
from pathlib import Path

from agent.buffer.migrations import migrate

if __name__ == "__main__":
    migrate(Path(sys.argv[1]))
