"""The classifier against real replies: a table per class, its errors, and what others would get.

    python tests/corpus/measure.py CORPUS [--errors N]

Besides the whole: `left out`, each mail system judged without the wordings that decide its replies
and nobody else's. It is a lower bound for a system that no rule was written for: wordings come from
documentation, so a system whose own pages are the source loses them here.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from domain.outcomes import explain, suppresses
from domain.ports import Phase
from domain.replies import ruleset
from domain.replies.ruleset import RuleSet

PHASES = {"eom": Phase.DOT, "connect": Phase.BANNER}
CODE = re.compile(r"^\d{3}[ -]?")


@dataclass(frozen=True)
class Labelled:
    """A reply and what is right about it."""

    text: str
    code: int
    phase: Phase | None
    provider: str
    system: str
    reason: str
    accept: frozenset[str]
    hard: bool | None

    def judged(self, rules: RuleSet = ruleset.CURRENT) -> str:
        """Its class by these rules."""
        return explain(self.code, self.phase, self.text, self.provider, rules).reason


@dataclass(frozen=True)
class Figures:
    """The three figures that are asked for, as shares."""

    accuracy: float
    precision: float
    recall: float

    def __str__(self) -> str:
        return (
            f"class accuracy {self.accuracy:.1%}, hard precision {self.precision:.1%},"
            f" hard recall {self.recall:.1%}"
        )


def read(corpus: Path) -> list[Labelled]:
    """The replies of the corpus."""
    module_of = _modules(corpus)
    lines = (corpus / "smtp_replies.jsonl").read_text().splitlines()
    return [_labelled(json.loads(line), module_of) for line in lines]


def _modules(corpus: Path) -> dict[str, str]:
    """Reply → the mail system that reported it, where the labels of mails tell."""
    rows = map(json.loads, (corpus / "labels.jsonl").read_text().splitlines())
    return {row["reply"]: row["module"] for row in rows if row["reply"]}


def _labelled(row: dict[str, object], module_of: dict[str, str]) -> Labelled:
    text = str(row["text"])
    phase = row["phase"]
    return Labelled(
        text=CODE.sub("", text),
        code=int(str(row["reply_code"])),
        phase=None if phase is None else PHASES.get(str(phase)) or Phase(str(phase)),
        provider=str(row["provider"] or ""),
        system=str(row["provider"] or module_of.get(text) or row["origin"]),
        reason=str(row["class"]),
        accept=frozenset(row["accept"] or ()),  # type: ignore[call-overload]
        hard=row["hard"],  # type: ignore[arg-type]
    )


def figures(replies: Sequence[Labelled], classes: Iterable[str]) -> Figures:
    """What classes said of replies in the same order come to."""
    judged = list(zip(replies, classes, strict=True))
    return share(
        [found in one.accept for one, found in judged if one.accept],
        [(suppresses(found), one.hard) for one, found in judged if one.hard is not None],
    )


def share(right: Sequence[bool], hard: Sequence[tuple[bool, bool]]) -> Figures:
    """Figures from verdicts; `hard`: called so, and is so."""
    called = [is_so for said, is_so in hard if said]
    truly = [said for said, is_so in hard if is_so]
    return Figures(_mean(right), _mean(called), _mean(truly))


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 1.0


def any_5xx_is_hard(replies: Sequence[Labelled]) -> Figures:
    """The naive rule: a 5xx is a bad recipient, a 4xx is the machines'."""
    return figures(
        replies, ["INVALID_RECIPIENT" if one.code >= 500 else "INFRA" for one in replies]
    )


def left_out(replies: Sequence[Labelled]) -> list[str]:
    """Each reply's class without the wordings that only its own system's replies need."""
    deciders = _systems_by_wording(replies)
    found: dict[int, str] = {}
    for system in {one.system for one in replies}:
        own = {wording for wording, systems in deciders.items() if systems == {system}}
        rules = _without(own)
        found |= {at: one.judged(rules) for at, one in enumerate(replies) if one.system == system}
    return [found[at] for at in range(len(replies))]


def _without(wordings: set[tuple[str, str]]) -> RuleSet:
    kept = [
        replace(one, says=tuple(said for said in one.says if (one.name, said) not in wordings))
        for one in ruleset.RULES
    ]
    return RuleSet(kept, ruleset.VERSION)


def _systems_by_wording(replies: Sequence[Labelled]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in replies:
        wording = ruleset.CURRENT.wording(one.text, str(one.code)[0], one.provider)
        if wording is not None:
            found[wording].add(one.system)
    return found


def table(replies: Sequence[Labelled]) -> list[str]:
    """Per class: how many, how many right, and as what the others were taken."""
    rows, wrong = Counter[str](), defaultdict[str, Counter[str]](Counter)
    for one in (one for one in replies if one.accept):
        rows[one.reason] += 1
        if (found := one.judged()) not in one.accept:
            wrong[one.reason][found] += 1
    lines = [f"{'class':<18} {'replies':>7} {'right':>7}  taken for"]
    for name, total in sorted(rows.items(), key=lambda row: (-row[1], row[0])):
        errors = wrong[name]
        taken = ", ".join(f"{found} {times}" for found, times in errors.most_common())
        lines.append(f"{name:<18} {total:>7} {1 - errors.total() / total:>7.1%}  {taken}".rstrip())
    return lines


def errors(replies: Sequence[Labelled], limit: int) -> list[str]:
    """What was taken wrong, one a line."""
    wrong = [one for one in replies if one.accept and one.judged() not in one.accept]
    return [
        f"  {one.judged()}, right: {'|'.join(sorted(one.accept))}: {one.code} {one.text[:120]}"
        for one in wrong[:limit]
    ]


def main(arguments: Sequence[str]) -> int:
    """Print it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--errors", type=int, default=40, help="name at most so many")
    asked = parser.parse_args(arguments)
    replies = read(asked.corpus)
    ours = figures(replies, [one.judged() for one in replies])
    told = [
        *table(replies),
        *errors(replies, asked.errors),
        "",
        f"rules, version {ruleset.VERSION}: {ours}",
        f"each system left out:  {figures(replies, left_out(replies))}",
        f"any 5xx is hard:       {any_5xx_is_hard(replies)}",
    ]
    sys.stdout.write("\n".join(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
