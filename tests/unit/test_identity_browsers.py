"""Cookies of browsers: whose requests count, in a table of what browsers and others send."""

from __future__ import annotations

import pytest
from fastapi import Request
from starlette.responses import Response

from adapters.identity.tokens import SESSION, new_token
from api.browsers import Site
from api.problems import Problem

HERE = Site("https://app.test")
TOKEN = new_token(SESSION)
OURS, THEIRS = "https://app.test", "https://evil.test"


def request(method: str, **headers: str) -> Request:
    given = {"cookie": f"__Host-pm={TOKEN}"} | headers
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
    return Request({"type": "http", "method": method, "headers": raw})


def outcome(method: str, **headers: str) -> str:
    """`token`, `nobody` or the problem's code."""
    try:
        found = HERE.token_of(request(method, **headers), headers.get("authorization", ""))
    except Problem as problem:
        return problem.kind.code
    return {TOKEN: "token", "": "nobody"}.get(found, found)


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", {}, "token"),
        ("GET", {"sec_fetch_site": "cross-site", "origin": THEIRS}, "token"),  # changes nothing
        ("POST", {"sec_fetch_site": "same-origin"}, "token"),
        ("POST", {"sec_fetch_site": "same-origin", "origin": OURS}, "token"),
        ("POST", {"origin": OURS}, "token"),  # a browser without Sec-Fetch-Site
        ("POST", {"origin": OURS.upper()}, "token"),
        ("POST", {}, "csrf"),
        ("POST", {"origin": THEIRS}, "csrf"),
        ("POST", {"origin": "null"}, "csrf"),
        ("POST", {"origin": "https://app.test.evil.test"}, "csrf"),
        ("POST", {"origin": "http://app.test"}, "csrf"),
        ("POST", {"sec_fetch_site": "cross-site", "origin": OURS}, "csrf"),
        ("POST", {"sec_fetch_site": "same-site", "origin": OURS}, "csrf"),
        ("POST", {"sec_fetch_site": "none"}, "csrf"),
        ("PATCH", {}, "csrf"),
        ("PUT", {}, "csrf"),
        ("DELETE", {"origin": THEIRS}, "csrf"),
        ("POST", {"authorization": "Bearer pm_live_x", "origin": THEIRS}, "pm_live_x"),
        ("POST", {"authorization": "Basic eDp5"}, "nobody"),  # the cookie does not stand in
        ("POST", {"cookie": "__Host-pm=pm_live_key", "sec_fetch_site": "same-origin"}, "nobody"),
        ("POST", {"cookie": f"pm={TOKEN}", "sec_fetch_site": "same-origin"}, "nobody"),
    ],
)
def test_a_cookie_counts_only_for_our_own_pages(
    method: str, headers: dict[str, str], expected: str
) -> None:
    """Unsafe methods need Sec-Fetch-Site: same-origin, or without it our Origin."""
    assert outcome(method, **headers) == expected


def test_the_cookie_is_out_of_reach_of_scripts_and_other_hosts() -> None:
    """`__Host-` with Secure over https; on plain http, for loopback, another name without it."""
    kept, plain = Response(), Response()
    HERE.keep(kept, TOKEN)
    Site("http://127.0.0.1:8000").keep(plain, TOKEN)

    over_https, over_http = (found.headers["set-cookie"] for found in (kept, plain))
    assert over_https == (
        f"__Host-pm={TOKEN}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax; Secure"
    )
    assert over_http == f"pm={TOKEN}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax"
