"""A file that comes with a request, raw or as the part `file` of a form; written as it comes."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from adapters.contacts.spool import Incoming
from api.problems import Problem

FORM = "multipart/form-data"
_HEADERS_MAX = 8 * 1024


async def receive(request: Request, incoming: Incoming) -> str:
    """Write the request's file into `incoming`; the name that its sender gave it, or ''.

    Raises Problem for a form without the part `file`, and Invalid for too many bytes.
    """
    media = request.headers.get("content-type", "")
    if not media.lower().startswith(FORM):
        async for chunk in request.stream():
            await run_in_threadpool(incoming.write, chunk)
        incoming.finish()
        return ""
    form = _Form(media, incoming)
    async for chunk in request.stream():
        await run_in_threadpool(form.feed, chunk)
    incoming.finish()
    return form.done()


class _Form:
    """Picks the part `file` out of a form."""

    def __init__(self, media: str, incoming: Incoming) -> None:
        boundary = parse_options_header(media.encode("latin-1"))[1].get(b"boundary", b"")
        if not boundary or len(boundary) > 200:  # noqa: PLR2004 - RFC 2046 allows 70
            raise Problem("invalid", "content-type: the form names no boundary; send one")
        self._incoming = incoming
        self._name = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._wanted = self._found = False
        self._file_name = ""
        callbacks: Any = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Problem(
                "invalid", f"file: the form is broken ({error}); send it again"
            ) from error

    def done(self) -> str:
        """The file's name. Raises Problem when there was no file."""
        if not self._found:
            raise Problem("invalid", "file: the form has no part of this name; add it")
        return self._file_name

    def _begin(self) -> None:
        self._headers, self._wanted = {}, False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        if len(self._value) > _HEADERS_MAX:
            raise Problem("invalid", "file: a header of the form is too long; shorten the name")

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        options = parse_options_header(disposition)[1]
        if options.get(b"name") == b"file":
            if self._found:
                raise Problem("invalid", "file: the form has two; send one")
            self._wanted = self._found = True
            self._file_name = options.get(b"filename", b"").decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._incoming.write(data[start:end])
