"""Where commands find their stack: both servers of the environment, or the folder's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.errors import Missing
from ops.stack.stack import Stack, load_or_create
from ops.where import find

BOTH = {"PM_KAFKA_BOOTSTRAP": "k:9092", "PM_DATABASE_URL": "postgresql://h/d"}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return load_or_create(tmp_path)


def test_the_folders_stack_is_found(stack: Stack) -> None:
    found = find(stack.data, environment={})

    assert (found.bootstrap, found.dsn, found.prefix) == (stack.bootstrap, stack.dsn, "")
    assert (found.id_key, found.api_url) == (stack.id_key, stack.api_url)


def test_a_pair_of_servers_in_the_environment_wins_over_the_folders(stack: Stack) -> None:
    found = find(stack.data, environment=BOTH | {"PM_PREFIX": "a."})

    assert (found.bootstrap, found.dsn, found.prefix) == ("k:9092", "postgresql://h/d", "a.")


def test_without_a_stack_the_pair_is_enough(tmp_path: Path) -> None:
    found = find(tmp_path, environment=BOTH)

    assert (found.bootstrap, found.dsn, found.api_url) == ("k:9092", "postgresql://h/d", "")


def test_a_lone_database_url_is_of_some_other_program(stack: Stack) -> None:
    assert find(stack.data, environment={"DATABASE_URL": "postgresql://x/y"}).dsn == stack.dsn


@pytest.mark.parametrize("half", BOTH)
def test_half_a_pair_is_never_mixed_with_the_folders_servers(stack: Stack, half: str) -> None:
    with pytest.raises(Missing, match=f"{half} is set"):
        find(stack.data, environment={half: BOTH[half]})


def test_who_reads_the_log_alone_needs_no_database(tmp_path: Path) -> None:
    given = {"PM_KAFKA_BOOTSTRAP": "k:9092"}

    found = find(tmp_path, log_only=True, environment=given)

    assert (found.bootstrap, found.dsn) == ("k:9092", "")


@pytest.mark.parametrize("log_only", [True, False])
def test_no_stack_anywhere_names_the_cure(tmp_path: Path, log_only: bool) -> None:  # noqa: FBT001
    with pytest.raises(Missing, match="`penguin up`"):
        find(tmp_path, log_only=log_only, environment={})
