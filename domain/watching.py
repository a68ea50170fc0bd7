"""When an answer that keeps coming is worth telling: bad news and good news both need to last."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How many answers in a row are believed."""

    bad: int
    good: int
    first_good: bool = False  # whether it is news that all is well from the beginning


LISTINGS = Patience(bad=2, good=3)
NAMES = Patience(bad=2, good=1, first_good=True)


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of one question. An answer is empty when all is well."""

    answer: str = ""
    in_row: int = 0  # answers that all said well, or all said otherwise
    told: str | None = None


def heard(before: Watched, answer: str, patience: Patience) -> tuple[Watched, bool]:
    """What is known after an answer, and whether it is to be told.

    No answer at all is not one: then nothing is heard. Wrong in another way than told is no news.
    """
    same = before.in_row and bool(before.answer) == bool(answer)
    in_row = before.in_row + 1 if same else 1
    lasts = in_row >= (patience.bad if answer else patience.good)
    news = lasts and _is_news(before.told, answer, patience)
    return Watched(answer, in_row, answer if news else before.told), news


def _is_news(told: str | None, answer: str, patience: Patience) -> bool:
    if told is None:
        return bool(answer) or patience.first_good
    return bool(told) != bool(answer)
