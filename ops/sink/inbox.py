"""The inbox page: what the stand-in received, for people and as JSON. Loopback only, read only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from ops.sink import mime
from ops.sink.behaviours import BEHAVIOURS
from ops.sink.hosts import HOSTS
from ops.sink.received import Mail, Received

PAGE_SIZE = 50
LIMIT_MAX = 500
# The page itself runs no script; a mail's HTML may load nothing and runs in a sandbox besides.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'"
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def make_app(received: Received) -> FastAPI:
    """The web application over one record."""
    app = FastAPI(title="PenguinMails inbox", docs_url=None, redoc_url=None, openapi_url=None)
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=select_autoescape()
    )
    _add_json(app, received)
    _add_pages(app, received, pages)
    return app


def _add_json(app: FastAPI, received: Received) -> None:
    @app.get("/api/count")
    def count(recipient: str = "") -> dict[str, int]:
        kept = len(received.newest(recipient))
        return {"count": received.count, "kept": kept}

    @app.get("/api/messages")
    def messages(limit: int = PAGE_SIZE, offset: int = 0, recipient: str = "") -> dict[str, Any]:
        found = received.newest(recipient)
        chosen = found[max(offset, 0) :][: min(max(limit, 0), LIMIT_MAX)]
        return {"count": len(found), "messages": [_told(mail) for mail in chosen]}

    @app.get("/api/messages/{number}")
    def message(number: int) -> dict[str, Any]:
        mail = _mail(received, number)
        parts = mime.shown(mail)
        return _told(mail) | {
            "headers": parts.headers,
            "text": parts.text,
            "html": parts.html,
            "raw": parts.raw,
        }


def _add_pages(app: FastAPI, received: Received, pages: Environment) -> None:
    @app.get("/")
    def inbox(request: Request, recipient: str = "", page: int = 1) -> HTMLResponse:
        found = received.newest(recipient)
        last = max(1, -(-len(found) // PAGE_SIZE))
        number = min(max(page, 1), last)
        chosen = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        return _page(
            pages,
            "inbox.html",
            messages=[_told(mail) for mail in chosen],
            found=len(found),
            received=received,
            recipient=recipient,
            page=number,
            last=last,
            behaviours=BEHAVIOURS,
            hosts=HOSTS,
            here=str(request.url.path),
        )

    @app.get("/messages/{number}")
    def message(number: int) -> HTMLResponse:
        mail = _mail(received, number)
        return _page(pages, "message.html", mail=_told(mail), parts=mime.shown(mail))

    @app.get("/messages/{number}/html")
    def html(number: int) -> HTMLResponse:
        return _guarded(mime.shown(_mail(received, number)).html, MAIL_POLICY)

    @app.get("/messages/{number}/raw")
    def raw(number: int) -> PlainTextResponse:
        text = _mail(received, number).content.decode(errors="replace")
        return PlainTextResponse(text, headers={"X-Content-Type-Options": "nosniff"})


def _mail(received: Received, number: int) -> Mail:
    mail = received.find(number)
    if mail is None:
        raise HTTPException(404, f"message {number} is not among the {received.kept_max} newest")
    return mail


def _told(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.number,
        "time": mail.time,
        "recipient": mail.recipient.decode(errors="replace"),
        "mail_from": mail.mail_from.decode(errors="replace"),
        "message_id": mail.message_id.decode(errors="replace"),
        "mx": mail.mx,
        "size": len(mail.wire),
        "acknowledged": mail.acknowledged,
        "subject": mime.subject_of(mail),
    }


def _page(pages: Environment, name: str, **values: Any) -> HTMLResponse:
    return _guarded(pages.get_template(name).render(**values), PAGE_POLICY)


def _guarded(body: str, policy: str) -> HTMLResponse:
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(body, headers=headers)
