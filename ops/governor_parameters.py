"""The governor's parameters from a file that someone names on the command line."""

from __future__ import annotations

from pathlib import Path

from domain.governor.parameters import CURRENT, Parameters
from domain.governor.parameters_file import parsed
from ops.errors import Usage

BYTES_MAX = 1_000_000


def read(file: Path | None) -> Parameters:
    """The set that a file says; without one, the released set. Raises Usage, or Invalid."""
    if file is None:
        return CURRENT
    try:
        data = file.read_bytes()
        if len(data) > BYTES_MAX:
            raise Usage(f"{file}: above {BYTES_MAX} bytes; a set of parameters is a page")
        return parsed(data.decode())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise Usage(f"{file}: {reason}; name a JSON file of parameters") from None
