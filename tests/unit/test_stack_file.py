"""What a stack chooses once, and what it refuses."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ops.errors import Missing, Usage
from ops.stack.stack import Servers, given_servers, load, load_or_create


def test_ports_and_key_are_chosen_once(tmp_path: Path) -> None:
    first = load_or_create(tmp_path)

    assert load_or_create(tmp_path) == first
    assert load(tmp_path) == first


def test_stacks_side_by_side_share_neither_port_nor_key(tmp_path: Path) -> None:
    one, two = load_or_create(tmp_path / "one", 3), load_or_create(tmp_path / "two", 3)

    assert not set(one.ports.values()) & set(two.ports.values())
    assert one.id_key != two.id_key


def test_the_key_is_readable_to_its_owner_alone(tmp_path: Path) -> None:
    stack = load_or_create(tmp_path)

    assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600
    assert stack.id_key not in repr(stack)


def test_the_number_of_brokers_is_for_good(tmp_path: Path) -> None:
    load_or_create(tmp_path, 3)

    assert load_or_create(tmp_path).brokers == 3
    with pytest.raises(Usage, match="choose another --data"):
        load_or_create(tmp_path, 1)


def test_two_brokers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="1 broker or 3"):
        load_or_create(tmp_path, 2)
    assert load(tmp_path) is None


@pytest.mark.parametrize(
    ("environment", "absent"),
    [
        ({"PM_KAFKA_BOOTSTRAP": "k:9092"}, "PM_DATABASE_URL is not"),
        ({"PM_DATABASE_URL": "postgresql://h/d"}, "PM_KAFKA_BOOTSTRAP is not"),
    ],
)
def test_half_a_pair_of_servers_names_the_other(environment: dict[str, str], absent: str) -> None:
    with pytest.raises(Missing, match=absent):
        given_servers(environment)


def test_given_servers_are_taken_as_a_pair() -> None:
    both = {"PM_KAFKA_BOOTSTRAP": "k:9092", "DATABASE_URL": "postgresql://h/d"}

    assert given_servers(both) == Servers("k:9092", "postgresql://h/d")
    assert given_servers({}) is None
    assert given_servers({"DATABASE_URL": "of some other program"}) is None


def test_given_servers_replace_the_embedded_ones(tmp_path: Path) -> None:
    given = Servers("k:9092", "postgresql://h/d")
    stack = load_or_create(tmp_path, given=given)

    assert stack.broker_names == []
    assert (stack.bootstrap, stack.dsn) == ("k:9092", "postgresql://h/d")
    assert load_or_create(tmp_path).broker_names == ["kafka-1"]


def test_a_setting_of_the_caller_reaches_the_roles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PM_RETRY_SCALE", "1")
    monkeypatch.setenv("PM_DATA_DIR", "/somewhere/else")

    environment = load_or_create(tmp_path).environment()

    assert environment["PM_RETRY_SCALE"] == "1"
    assert environment["PM_DATA_DIR"] == str(tmp_path)
