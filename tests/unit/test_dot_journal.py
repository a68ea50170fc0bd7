"""The dot journal tells a dead owner's dots and replies, and nothing where it cannot be trusted."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import dot_journal
from adapters.dot_journal import DotJournal, Owner, Verdict, discard, forsaken, inspect

RELEASE, OTHER = "rel_one", "rel_two"


def dead(journal: DotJournal) -> str:
    """The journal's name, its lock let go as the end of its process would."""
    journal.forget()
    return journal.name


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writes beyond `size` bytes of a file fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_dots_and_replies_of_a_dead_owner_are_told_per_release(tmp_path: Path) -> None:
    journal = DotJournal(tmp_path)
    journal.dotted(RELEASE, 4)
    journal.dotted(OTHER, 9)
    journal.dotted(RELEASE, 7)
    journal.replied(RELEASE, 4, 250)

    found = inspect(tmp_path, dead(journal), RELEASE)

    assert found == Verdict(Owner.DEAD, frozenset({4, 7}), {4: 250})


def test_a_release_that_a_dead_owner_never_dotted_has_no_dots(tmp_path: Path) -> None:
    name = dead(DotJournal(tmp_path))

    assert inspect(tmp_path, name, RELEASE) == Verdict(Owner.DEAD)


def test_while_the_lock_is_held_the_owner_is_alive(tmp_path: Path) -> None:
    journal = DotJournal(tmp_path)
    journal.dotted(RELEASE, 1)

    assert inspect(tmp_path, journal.name, RELEASE).owner is Owner.ALIVE
    assert not discard(tmp_path, journal.name)

    journal.forget()


def test_two_who_look_at_once_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    name = dead(DotJournal(tmp_path))
    path = tmp_path / dot_journal.FOLDER / name.rpartition("/")[2]

    with path.open("rb") as stream:
        assert dot_journal._lock(stream.fileno())
        assert inspect(tmp_path, name, RELEASE).owner is Owner.DEAD


@pytest.mark.parametrize(
    "template",
    [
        "x{host}/{boot}/{file}",
        "{host}/00000000-0000-0000-0000-000000000000/{file}",
        "{host}/{boot}/{file}x",
        "{host}/{boot}/../../secret",
        "{file}",
        "",
    ],
)
def test_another_host_boot_or_file_is_unknown_and_nothing_is_made(
    tmp_path: Path, template: str
) -> None:
    host, boot, file = dead(DotJournal(tmp_path)).split("/")
    before = sorted(tmp_path.rglob("*"))

    found = inspect(tmp_path, template.format(host=host, boot=boot, file=file), RELEASE)

    assert found == Verdict(Owner.UNKNOWN)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_missing_folder_is_unknown_and_not_made(tmp_path: Path) -> None:
    name = dead(DotJournal(tmp_path / "a"))

    assert inspect(tmp_path / "b", name, RELEASE).owner is Owner.UNKNOWN
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("content", [b"", b"PMDJ1 ", b"something else\n", b"\n", b"\xff" * 40])
def test_an_empty_or_foreign_file_is_unknown(tmp_path: Path, content: bytes) -> None:
    journal = DotJournal(tmp_path)
    name = dead(journal)
    journal.path.write_bytes(content)

    assert inspect(tmp_path, name, RELEASE).owner is Owner.UNKNOWN


@pytest.mark.parametrize(
    "damage", [b"D 1 x\n", b"X 1 2\n", b"D 1\n", b"R 1 2\n", b"\n", b"D 1 2D 1 3\n"]
)
def test_a_damaged_record_in_the_middle_makes_the_whole_unknown(
    tmp_path: Path, damage: bytes
) -> None:
    journal = DotJournal(tmp_path)
    journal.dotted(RELEASE, 1)
    name = dead(journal)
    with journal.path.open("ab") as stream:
        stream.write(damage + b"D 1 5\n")

    assert inspect(tmp_path, name, RELEASE) == Verdict(Owner.UNKNOWN)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from([RELEASE, OTHER]), st.integers(0, 499), st.booleans())),
    st.data(),
)
def test_cut_anywhere_the_journal_tells_exactly_its_whole_records(
    tmp_path: Path, steps: list[tuple[str, int, bool]], data: st.DataObject
) -> None:
    journal = DotJournal(tmp_path)
    for release_id, index, replied in steps:
        journal.dotted(release_id, index)
        if replied:
            journal.replied(release_id, index, 250)
    name = dead(journal)
    content = journal.path.read_bytes()
    head = content.index(b"\n") + 1
    cut = data.draw(st.integers(head, len(content)))
    journal.path.write_bytes(content[:cut])

    found = inspect(tmp_path, name, RELEASE)

    whole = content[:cut].rpartition(b"\n")[0]
    assert found.owner is Owner.DEAD
    assert found.dotted == {index for kind, index in notes(whole) if kind == "D"}
    assert set(found.replied) == {index for kind, index in notes(whole) if kind == "R"}


def notes(content: bytes) -> list[tuple[str, int]]:
    """The records about RELEASE, read in the plainest way."""
    lines = [line.split() for line in content.decode().splitlines()[1:]]
    numbers = {line[1] for line in lines if line[0] == "S" and line[2] == RELEASE}
    return [(line[0], int(line[2])) for line in lines if line[0] in "DR" and line[1] in numbers]


def test_a_full_disk_means_no_dot_and_none_after_it(tmp_path: Path) -> None:
    journal = DotJournal(tmp_path)
    journal.dotted(RELEASE, 1)
    size = journal.path.stat().st_size

    with file_size_limit(size + 3), pytest.raises(OSError, match=r"bytes|large"):
        journal.dotted(RELEASE, 2)
    with pytest.raises(OSError, match="failed before"):
        journal.dotted(RELEASE, 3)

    assert inspect(tmp_path, dead(journal), RELEASE).dotted == {1}


def test_a_closed_journal_with_nothing_open_leaves_no_file(tmp_path: Path) -> None:
    journal = DotJournal(tmp_path)
    journal.dotted(RELEASE, 1)
    journal.concluded(RELEASE)
    journal.concluded(RELEASE)

    journal.close()
    journal.close()

    assert not journal.path.exists()


def test_a_closed_journal_with_an_open_slice_stays_for_the_sweeper(tmp_path: Path) -> None:
    journal = DotJournal(tmp_path)
    journal.dotted(RELEASE, 1)

    journal.close()

    assert inspect(tmp_path, journal.name, RELEASE).dotted == {1}
    assert discard(tmp_path, journal.name)
    assert not journal.path.exists()
    assert discard(tmp_path, journal.name)


def test_a_closed_journal_stays_while_a_slice_that_was_never_dotted_is_open(
    tmp_path: Path,
) -> None:
    """Else nobody could tell later that no dot was written."""
    with DotJournal(tmp_path) as journal:
        journal.begin(RELEASE)
        journal.begin(OTHER)
        journal.concluded(OTHER)

    assert inspect(tmp_path, journal.name, RELEASE) == Verdict(Owner.DEAD)


def test_the_journals_of_dead_owners_are_found_and_those_of_the_living_are_not(
    tmp_path: Path,
) -> None:
    alive, gone = DotJournal(tmp_path), DotJournal(tmp_path)
    gone.dotted(RELEASE, 1)
    (alive.path.parent / "new").touch()  # made, and not locked yet by its owner

    assert forsaken(tmp_path) == []
    gone.forget()

    assert forsaken(tmp_path) == [gone.name]
    assert discard(tmp_path, gone.name)
    assert forsaken(tmp_path) == []
    assert alive.path.exists()

    alive.close()


def test_journals_of_an_earlier_boot_are_found_too(tmp_path: Path) -> None:
    journal = DotJournal(tmp_path)
    dead(journal)
    journal.path.write_bytes(b"PMDJ1 host/00000000-0000-0000-0000-000000000000/x\n")

    assert [discard(tmp_path, name) for name in forsaken(tmp_path)] == [True]
    assert not journal.path.exists()


def test_where_no_journal_was_ever_made_none_is_forsaken(tmp_path: Path) -> None:
    assert forsaken(tmp_path) == []


def test_an_idle_journal_is_emptied_and_goes_on(tmp_path: Path) -> None:
    journal = DotJournal(tmp_path)
    for index in range(dot_journal.TRUNCATE_BYTES // 8):
        journal.dotted(RELEASE, index)
    journal.concluded(RELEASE)
    journal.replied(RELEASE, 1, 250)
    small = journal.path.stat().st_size
    journal.dotted(OTHER, 3)

    assert small < 200
    assert inspect(tmp_path, dead(journal), OTHER) == Verdict(Owner.DEAD, frozenset({3}))


def test_a_child_program_does_not_inherit_the_lock(tmp_path: Path) -> None:
    journal = DotJournal(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        journal.forget()
        found = inspect(tmp_path, journal.name, RELEASE)
        child.communicate(b"\n")

    assert found.owner is Owner.DEAD


def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    journal = DotJournal(tmp_path)
    ready_end, ready = os.pipe()
    stop, stop_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(stop_end)
        os.write(ready, b"x")
        os.read(stop, 1)
        os._exit(0)
    assert os.read(ready_end, 1) == b"x"
    journal.forget()
    found = inspect(tmp_path, journal.name, RELEASE)
    for file in (stop_end, stop, ready, ready_end):
        os.close(file)
    os.waitpid(child, 0)

    assert found.owner is Owner.DEAD


OWNER = """
import sys
from pathlib import Path
from adapters.dot_journal import DotJournal
journal = DotJournal(Path(sys.argv[1]))
print(journal.name, flush=True)
for index in range(10**6):
    journal.dotted("rel_one", index)
    print(index, flush=True)
    journal.replied("rel_one", index, 250)
"""


def test_kill_9_of_the_owner_loses_no_note(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        name = owner.stdout.readline().strip()
        seen = [int(owner.stdout.readline()) for _ in range(200)]
        assert inspect(tmp_path, name, RELEASE).owner is Owner.ALIVE
        owner.send_signal(signal.SIGKILL)
        seen += [int(line) for line in owner.stdout if line.endswith("\n")]
        owner.wait()

    found = inspect(tmp_path, name, RELEASE)

    assert found.owner is Owner.DEAD
    assert set(seen) <= found.dotted
    assert set(found.replied.values()) == {250}
    assert len(found.dotted) - len(found.replied) <= 1
