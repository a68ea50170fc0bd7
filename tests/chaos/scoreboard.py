"""`make scoreboard`: the table of docs/reliability.md, from the result files in docs/scoreboard.

A result file is one line of it: {"row", "what", "size", "figure", "target", "holds", "command"}.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE, RESULTS = ROOT / "docs" / "reliability.md", ROOT / "docs" / "scoreboard"
BEGIN, END = "<!-- scoreboard: make scoreboard -->", "<!-- end of scoreboard -->"
HEAD = ("what", "size", "target", "measured", "", "command")
FIELDS = frozenset({"row", "what", "size", "figure", "target", "holds", "command"})


def results(folder: Path) -> list[dict[str, Any]]:
    """The lines, in order of their rows. Raises ValueError for a file that is none."""
    found = []
    for path in sorted(folder.glob("*.json")):
        line = json.loads(path.read_text())
        if missing := FIELDS - line.keys():
            raise ValueError(f"{path}: {sorted(missing)} missing")
        found.append(line)
    return sorted(found, key=lambda line: (line["row"], line["what"]))


def keep(name: str, line: Mapping[str, Any]) -> None:
    """Keep a line where PM_CHAOS_RESULTS names a folder, in place of the one of this name."""
    folder = os.environ.get("PM_CHAOS_RESULTS")
    if not folder:
        return
    path = Path(folder) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(line, indent=1) + "\n")


def table(lines: Iterable[dict[str, Any]]) -> str:
    """A markdown table."""
    rows = [HEAD, tuple("---" for _ in HEAD)]
    for line in lines:
        verdict = "holds" if line["holds"] else "**does not hold**"
        command = f"`{line['command']}`"
        rows.append((line["what"], line["size"], line["target"], line["figure"], verdict, command))
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def written(page: str, lines: Iterable[dict[str, Any]]) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(lines)}\n\n{END}{after}"


def main(*, check: bool) -> int:
    """Write the table; with `check` say whether it is fresh."""
    page = PAGE.read_text()
    fresh = written(page, results(RESULTS))
    if check:
        return int(fresh != page)
    PAGE.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv))
