"""The rules of docs/contributing.md that a linter does not know, each with its number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("domain", "adapters", "projections", "streams", "api", "ops")
FUNCTION_LINES_MAX = 50
FILE_LINES_MAX = 400
BANNED_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|base|misc|common)(_|$)")
CLOCKS = {"datetime.now", "datetime.utcnow", "time.time", "time.monotonic", "date.today"}
#: domain/ids.py makes UUIDv7 ids: a clock is part of what such an id is.
MAKES_IDS = {"domain/ids.py"}
FILES = sorted(path for room in (*ROOMS, "tests") for path in (ROOT / room).rglob("*.py"))
ROOM_FILES = [path for path in FILES if not path.is_relative_to(ROOT / "tests")]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_and_functions_stay_short(path: Path) -> None:
    """At most 400 lines a file, 50 a function."""
    long = {
        function.name: function.end_lineno - function.lineno + 1
        for function in functions(tree(path))
        if function.end_lineno and function.end_lineno - function.lineno >= FUNCTION_LINES_MAX
    }

    assert not long
    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX


@pytest.mark.parametrize("path", ROOM_FILES, ids=name)
def test_every_module_says_what_it_knows(path: Path) -> None:
    """A module begins with a sentence, unless it is empty."""
    assert not path.read_text().strip() or ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_names_say_what_a_thing_is(path: Path) -> None:
    """No utils, helper, manager or base, neither as a file nor as a class."""
    classes = [node.name for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]

    assert not BANNED_NAMES.search(path.stem)
    assert not [found for found in classes if re.search("Manager|Helper|Utils|Base$", found)]


@pytest.mark.parametrize("path", sorted((ROOT / "domain").glob("*.py")), ids=name)
def test_the_domain_never_reads_a_clock(path: Path) -> None:
    """Time is an argument (design.md §8)."""
    if name(path) in MAKES_IDS:
        return
    calls = {ast.unparse(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)}

    assert not calls & CLOCKS


@pytest.mark.parametrize("path", [p for p in ROOM_FILES if "ops" not in p.parts], ids=name)
def test_only_settings_reads_the_environment(path: Path) -> None:
    """One Settings class; ops passes it on to the processes that it starts."""
    assert "os.environ" not in path.read_text()
    assert "os.getenv" not in path.read_text()


def test_no_statement_is_built_from_text() -> None:
    """SQL takes values as parameters: no f-string or % in execute (reliability.md §4.1)."""
    guilty = []
    for path in ROOM_FILES:
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            built = node.args and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
            if node.func.attr in {"execute", "executemany", "copy"} and built:
                guilty.append(f"{name(path)}:{node.lineno}")

    assert not guilty
