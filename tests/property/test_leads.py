"""Whatever stands in a file or a filter: a row, a bad row, or a refusal, and nothing else."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from adapters.contacts import filters, mapping, previewing, xlsx_archive
from adapters.contacts.csv_rows import detect, rows
from adapters.contacts.lead_rows import BadRow, read_lead, read_status
from domain import segment
from domain.refusals import Invalid
from tests import xlsx_kit

BITS = st.sampled_from(
    (
        *(b"email", b",", b";", b'"', b"\n", b"\r", b"\0", b"\xff", b"a@x.org", b"\xc3"),
        *(b"\xff\xfe", b"\xef\xbb\xbf", b"tags", b"status", b"=1", b" ", b"\t", b"x" * 70_000),
    )
)
FILES = st.one_of(st.binary(max_size=400), st.lists(BITS, max_size=40).map(b"".join))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "what", "op", "value", "name"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """Conditions that are nearly right."""
    what = draw(st.sampled_from(sorted(segment.OPS)))
    op = draw(st.sampled_from(sorted(segment.OPS[what])))
    found: dict[str, Any] = {"what": what, "op": op}
    text = st.text(max_size=12) | st.just("2026-01-05T09:00:00Z")
    value = draw(
        text | st.booleans() | st.integers(-5, 5000) | st.lists(text, max_size=3) | st.none()
    )
    found |= {} if value is None else {"value": value}
    return found | ({"name": draw(st.text(max_size=8))} if what == "field" else {})


@settings(max_examples=300, deadline=None)
@given(content=FILES)
def test_any_file_is_rows_bad_rows_or_a_refusal(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.csv"
        path.write_bytes(content)
        try:
            found = previewing.preview(path, None)
            header = mapping.header(
                mapping.guess(previewing.opened(path).titles), len(found["columns"])
            )
            records = list(rows(path, detect(path)))
        except Invalid:
            return
    for row in records[1:]:
        try:
            if not row.problem:
                lead = read_lead(header, row.values)
                assert "\0" not in lead.address + "".join(lead.fields.values())
        except BadRow:
            continue


@settings(max_examples=500, deadline=None)
@given(
    given_filter=JSON | conditions() | st.lists(conditions(), max_size=3).map(lambda c: {"any": c})
)
def test_any_filter_is_a_statement_of_fixed_text_or_a_refusal(given_filter: Any) -> None:
    try:
        node = segment.read(given_filter)
    except Invalid:
        return
    where = filters.where(node, b"key")
    text = where.sql.as_string(None)
    pieces = "".join(filters.PIECES.values()) + " AND OR NOT coalesce(, false) true"
    words = {
        word for word in text.replace("%(", " %(").replace(")s", ")s ").split() if "%(" not in word
    }
    assert all(word.strip("()") in pieces for word in words)
    assert text.count("%(v") <= len(where.values)
    assert isinstance(where.sql, sql.Composable)


@given(text=st.text(max_size=40))
def test_any_status_is_one_that_we_know_or_none(text: str) -> None:
    assert read_status(text) in {"", "unsubscribed", "bounced", "complained", "replied"}


def book(tmp_path: Path, sheet: str, extra: dict[str, str] | None = None) -> Path:
    return xlsx_kit.write(tmp_path / "b.xlsx", sheet, extra)


def far_cell(address: str) -> str:
    return xlsx_kit.SHEET.format(rows=f'<row r="1">{xlsx_kit.cell(address, 1)}</row>')


@pytest.mark.parametrize(
    ("sheet", "extra", "cure"),
    [
        (far_cell("XFD1"), None, "column 16384"),
        (far_cell("A9999999"), None, "row 9999999"),
        (far_cell("Z1048576"), None, "room for more"),
        (xlsx_kit.SHEET.format(rows=" " * 5_000_000), None, "compressed more than 100"),
        (far_cell("A1"), {"xl/externalLinks/externalLink1.xml": "<a/>"}, "links to other files"),
        (far_cell("A1"), {f"x{n}": "" for n in range(1001)}, "entries in the archive"),
    ],
    ids=["wide", "long", "large", "ratio", "links", "entries"],
)
def test_a_workbook_that_would_take_too_much_is_refused_before_it_is_opened(
    tmp_path: Path, sheet: str, extra: dict[str, str] | None, cure: str
) -> None:
    with pytest.raises(Invalid, match=cure) as refused:
        xlsx_archive.judge(book(tmp_path, sheet, extra))

    assert str(refused.value).startswith("file: ")


def test_a_workbook_that_declares_less_than_it_holds_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path, xlsx_kit.SHEET.format(rows="<row/>" * 1000))
    content = path.read_bytes()
    size = len(xlsx_kit.SHEET.format(rows="<row/>" * 1000)).to_bytes(4, "little")
    assert content.count(size) == 2
    path.write_bytes(content.replace(size, (100).to_bytes(4, "little")))

    with pytest.raises(Invalid, match="declares less than it holds"):
        xlsx_archive.judge(path)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 2000), byte=st.integers(0, 255), cut=st.integers(0, 2000))
def test_a_damaged_workbook_is_refused_or_judged(at: int, byte: int, cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = book(Path(folder), far_cell("B2"))
        content = bytearray(path.read_bytes())
        content[at % len(content)] = byte
        path.write_bytes(bytes(content[: max(30, len(content) - cut // 20)]))
        with contextlib.suppress(Invalid):
            xlsx_archive.judge(path)
