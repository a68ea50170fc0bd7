"""A CSV file into the vault: all or nothing, bad rows kept with line and reason."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from adapters import postgres
from adapters.contacts.importing import Import, import_leads
from domain.refusals import Invalid

pytestmark = pytest.mark.stack
TENANT, LIST = "ten_a", "lst_a"


def run(dsn: str, path: Path, import_id: str = "imp_1", tenant_id: str = TENANT) -> Import:
    with postgres.connect_sync(dsn, "pm_worker") as conn:
        return import_leads(conn, path, tenant_id=tenant_id, list_id=LIST, import_id=import_id)


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as owner:
        return owner.execute(query).fetchall()


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "leads.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


GARBAGE = (
    "Email,firstName\n"
    "ann@example.com,Ann\n"
    "not an address,Bob\n"
    "ANN@example.com,Anna\n"
    'cy@example.com,"unclosed\n'
    "dee@example.com,Dee\n"
    'eve@example.com,"Eve\r\nBcc: all@example.com"\n'
    "far@example.com\n"
    'gil@example.com,"Gil ""the"" G"\n'
)


def test_garbage_is_rejected_row_by_row_and_the_rest_comes_in(dsn: str, tmp_path: Path) -> None:
    done = run(dsn, write(tmp_path, GARBAGE.encode() + b"h\xff@example.com,Hal\n" + b"\n"))

    assert (done.rows, done.imported, done.duplicates, done.rejected) == (9, 3, 1, 5)
    rejects = rows(dsn, "SELECT line, reason FROM vault.import_reject ORDER BY line")
    assert [line for line, _ in rejects] == [3, 5, 7, 9, 11]
    contacts = rows(dsn, "SELECT address, fields->>'first_name' FROM vault.contact ORDER BY 1")
    assert contacts == [
        ("ann@example.com", "Anna"),
        ("dee@example.com", "Dee"),
        ("gil@example.com", 'Gil "the" G'),
    ]


def test_the_same_import_again_changes_nothing(dsn: str, tmp_path: Path) -> None:
    path = write(tmp_path, GARBAGE)

    assert run(dsn, path) == run(dsn, path)
    assert rows(dsn, "SELECT count(*) FROM vault.contact") == [(3,)]


def test_another_import_of_known_leads_counts_them_as_duplicates(dsn: str, tmp_path: Path) -> None:
    run(dsn, write(tmp_path, "email\nann@example.com\n"))

    again = run(
        dsn, write(tmp_path, "email,city\nann@example.com,Rome\nbob@example.com,Oslo\n"), "imp_2"
    )

    assert (again.imported, again.duplicates) == (1, 1)
    assert rows(dsn, "SELECT fields->>'city' FROM vault.contact ORDER BY address") == [
        ("Rome",),
        ("Oslo",),
    ]


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("", "empty"),
        ("name,city\nAnn,Rome\n", "name one of them email"),
        ("email\nnobody\n", r"no usable row among 1 .*\(line 2: not an address"),
        ("email\n", "no row below its header"),
        ("email\rann@example.com\r", "lines that end in CR alone"),
        (b"\x50\x4b\x03\x04\0\0\0\0", "save it as CSV"),
        ("email,City,city\na@example.com,x,y\n", "two columns are called city"),
    ],
)
def test_an_unusable_file_is_refused_with_the_cure_and_leaves_nothing(
    dsn: str, tmp_path: Path, text: str | bytes, cure: str
) -> None:
    with pytest.raises(Invalid, match=cure):
        run(dsn, write(tmp_path, text))

    assert rows(dsn, "SELECT count(*) FROM vault.import") == [(0,)]
    assert rows(dsn, "SELECT count(*) FROM vault.contact") == [(0,)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_usual_encodings_and_delimiters_are_understood(
    dsn: str, tmp_path: Path, encoding: str, delimiter: str
) -> None:
    lines = ["E-Mail Address,First Name"] + [f"p{n}@example.com,Zoë Müller é{n}" for n in range(40)]
    text = "\r\n".join(lines).replace(",", delimiter)

    done = run(dsn, write(tmp_path, text.encode(encoding)))

    assert (done.imported, done.rejected, done.fields) == (40, 0, ("first_name",))
    assert rows(
        dsn, "SELECT count(*) FROM vault.contact WHERE fields->>'first_name' LIKE 'Zoë%'"
    ) == [(40,)]


@pytest.mark.parametrize("hint", ["sep=;", '"sep=;"'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_line_by_which_excel_names_the_delimiter_is_no_header(
    dsn: str, tmp_path: Path, encoding: str, hint: str
) -> None:
    text = f"{hint}\r\nemail;city\r\nann@example.com;Rome, Italy\r\n"

    done = run(dsn, write(tmp_path, text.encode(encoding)))

    assert (done.rows, done.imported, done.fields) == (1, 1, ("city",))


@pytest.mark.parametrize(
    ("raw", "cities", "rejected"),
    [
        ("email;city\nann@example.com;Köln\n".encode("cp1252"), ["Köln"], 0),
        (
            "email;city\na@x.org;Köln\nb@x.org;Åre\n".encode() + b"c@x.org;K\xf6ln\n",
            ["Köln", "Åre"],
            1,
        ),
    ],
    ids=["Excel's own of two lines", "UTF-8 with one line of something else"],
)
def test_short_files_are_read_in_the_encoding_that_most_of_their_letters_are_in(
    dsn: str, tmp_path: Path, raw: bytes, cities: list[str], rejected: int
) -> None:
    done = run(dsn, write(tmp_path, raw))

    found = rows(dsn, "SELECT fields->>'city' FROM vault.contact ORDER BY address")
    assert [row[0] for row in found] == cities
    assert done.rejected == rejected


def test_i11_a_tenant_sees_only_its_own_leads(dsn: str, tmp_path: Path) -> None:
    path = write(tmp_path, "email\nann@example.com\n")
    run(dsn, path)
    run(dsn, path, "imp_2", "ten_b")

    with postgres.connect_sync(dsn, "pm_worker") as conn, conn.transaction():
        assert conn.execute("SELECT count(*) FROM vault.contact").fetchone() == (0,)
        postgres.set_tenant(conn, TENANT)
        assert conn.execute("SELECT count(*), min(tenant_id) FROM vault.contact").fetchone() == (
            1,
            TENANT,
        )
