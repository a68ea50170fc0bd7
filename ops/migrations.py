"""Which folders of numbered SQL make up the database."""

from __future__ import annotations

from pathlib import Path

from adapters.postgres import MIGRATIONS

FOLDERS: tuple[Path, ...] = (MIGRATIONS,)
