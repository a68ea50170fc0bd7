"""What happens once to a template's HTML: CSS inlined, links numbered, pixel and preheader put in.

Source in, source out: tags stay tags. The recipient's token is the variable TOKEN.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import css_inline

from adapters.message import tokens
from adapters.message.engine import BadTemplate
from adapters.message.mask import Mask

TOKEN = "pm_token"  # noqa: S105 - a variable's name
_TOKEN_TAG = f"{{{{ {TOKEN} }}}}"

# `v:` elements are the buttons that Outlook draws.
_LINK = re.compile(r"(<(?:a|area|v:\w+)(?=\s)(?:[^>\"]|\"[^\"]*\")*?\shref=\")([^\"]*)\"")
_BODY = re.compile(r"<body(?:[^>\"]|\"[^\"]*\")*>")
# An HTML parser adds the missing <tbody> after such a comment, that is within a loop.
_TABLE_START = re.compile(r"(?i)(<table\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>\s*)(<!--pm)")
_BODY_END = "</body>"
_HIDDEN = "display:none;max-height:0;overflow:hidden;mso-hide:all"
_PIXEL_STYLE = "border:0;width:1px;height:1px"


@dataclass(frozen=True)
class Tracked:
    """HTML ready to be sent, and where its links lead: link n to `links[n - 1]`."""

    html: str
    links: tuple[str, ...]


def tracked(source: str, preheader: str, tracking_url: str) -> Tracked:
    """A checked source with everything done that is the same for all recipients.

    http and https links without variables are rewritten; every other link stays as it is.
    BadTemplate when a tag stands where HTML cannot keep it.
    """
    mask = Mask(source + preheader)
    masked = _inlined(mask, _TABLE_START.sub(r"\1<tbody>\2", mask.hide(source)))
    links = _Links(mask, html.escape(tracking_url))
    masked = _LINK.sub(links.rewritten, masked)
    hidden = _preheader(html.escape(mask.hide_in_text(preheader), quote=False))
    masked = _BODY.sub(lambda body: body[0] + hidden, masked, count=1)
    before, end, after = masked.rpartition(_BODY_END)
    pixel = tokens.open_url(html.escape(tracking_url), mask.add(_TOKEN_TAG))
    image = f'<img src="{pixel}" width="1" height="1" alt="" style="{_PIXEL_STYLE}">'
    return Tracked(mask.show(before + image + end + after), tuple(links.targets))


class _Links:
    """Numbers links in the order in which they stand."""

    def __init__(self, mask: Mask, tracking_url: str) -> None:
        self._mask = mask
        self._tracking_url = tracking_url
        self.targets: list[str] = []

    def rewritten(self, found: re.Match[str]) -> str:
        target = re.sub(r"[\t\r\n]", "", html.unescape(found[2])).strip()
        if self._mask.pattern.search(target) or not _is_web(target):
            return found[0]
        self.targets.append(target)
        url = tokens.click_url(self._tracking_url, self._mask.add(_TOKEN_TAG), len(self.targets))
        return f'{found[1]}{url}"'


def _inlined(mask: Mask, masked: str) -> str:
    """Rules as style attributes; what cannot be one (media queries, :hover) stays in <style>."""
    try:
        inlined = css_inline.inline(
            masked,
            load_remote_stylesheets=False,
            keep_style_tags=True,
            keep_at_rules=True,
            remove_inlined_selectors=True,
        )
    except css_inline.InlineError as error:
        raise BadTemplate(f"its styles cannot be inlined: {error}", 1) from error
    mask.demand_all(masked, inlined)
    return inlined


def _is_web(target: str) -> bool:
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)


def _preheader(text: str) -> str:
    return f'<div style="{_HIDDEN}">{text}</div>' if text else ""
