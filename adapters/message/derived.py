"""What is derived once when a template is read: HTML from MJML, text from HTML."""

from __future__ import annotations

import re

from inscriptis import get_text
from inscriptis.css_profiles import RELAXED_CSS_PROFILE
from inscriptis.model.config import ParserConfig
from mrml import to_html

from adapters.message.engine import BadTemplate
from adapters.message.mask import Mask

_UNSEEN = re.compile(r"(?i)<!--|<(head|style|script)\b")
_UNSEEN_ENDS = {
    "": re.compile("-->"),
    **{name: re.compile(f"(?i)</{name}>") for name in ("head", "style", "script")},
}
_ROWS = re.compile(r"(?i)<(/?)(?:table|thead|tbody|tfoot|tr)\b")
_CELL = re.compile(r"(?i)<t[dh]\b")
_CELL_END = re.compile(r"(?i)</t[dh]\s*>")


def from_mjml(source: str) -> str:
    """HTML from a checked MJML source. BadTemplate when it is not MJML."""
    mask = Mask(source)
    masked = mask.hide(source)
    try:
        rendered = str(to_html(masked).content)
    except OSError as error:  # the library's only error, also for syntax
        raise BadTemplate(f"is not MJML: {error}", 1) from error
    mask.demand_all(masked, rendered)
    return mask.show(rendered)


def plain_text(source: str) -> str:
    """The text of a checked HTML source, its tags kept. BadTemplate when they cannot be kept.

    Tables are read cell by cell: in mails they are layout, and a tag between rows keeps its place.
    """
    mask = Mask(source)
    visible = _without_unseen(mask.hide(source, as_words=True))
    linear = _CELL_END.sub(" </span>", _CELL.sub("<span", _ROWS.sub(r"<\1div", visible)))
    text = get_text(linear, ParserConfig(css=RELAXED_CSS_PROFILE, display_links=True))
    if mask.order(visible) != mask.order(text):
        raise BadTemplate("no text can be derived from this HTML: write `text:` in front of it", 1)
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return mask.show(re.sub(r"\n{3,}", "\n\n", lines)).strip() + "\n"


def _without_unseen(source: str) -> str:
    """Comments, head, styles and scripts left out, in linear time; what never ends stays."""
    kept, at, endless = [], 0, set()
    for found in _UNSEEN.finditer(source):
        kind = (found[1] or "").lower()
        if found.start() < at or kind in endless:
            continue
        end = _UNSEEN_ENDS[kind].search(source, found.end())
        if end is None:
            endless.add(kind)
            continue
        kept.append(source[at : found.start()])
        at = end.end()
    return "".join([*kept, source[at:]])
