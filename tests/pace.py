"""How fast the gateway under test may be expected to be."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / os.environ.get("SWITCHBOARD", "build/switchboard")
SANITIZED = "asan" in str(BINARY)
SLOWER = 4 if SANITIZED else 1  # for limits of time


def patience(seconds=0):
    """For what must come in the end: a slow machine full of other tests may let it wait."""
    return max(seconds, 30 * SLOWER)
