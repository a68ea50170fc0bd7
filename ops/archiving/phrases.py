"""The passphrase of an archive, from a file: no shell history and no process list has it."""

from __future__ import annotations

from pathlib import Path

from adapters.archive.passphrase import PASSPHRASE_MIN
from ops.errors import Usage


def read(file: Path | None) -> str:
    """The file's first line; empty without a file. Raises Usage for one that is too short."""
    if file is None:
        return ""
    lines = file.expanduser().read_text().splitlines()
    phrase = lines[0].strip() if lines else ""
    if len(phrase) < PASSPHRASE_MIN:
        raise Usage(f"--passphrase-file: its first line needs {PASSPHRASE_MIN} characters or more")
    return phrase
