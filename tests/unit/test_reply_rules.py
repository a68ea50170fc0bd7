"""The rules about replies as data: each can match, each has a source, changes raise the version."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from domain.outcome_rules import OutcomeClass
from domain.outcomes import explain, judge, suppresses
from domain.ports import Phase, Reply
from domain.replies import ruleset, statuses
from domain.replies.rules import rule
from domain.replies.ruleset import RuleSet
from domain.replies.words import compiled

#: Of the rules at this version: another digest needs another version. To renew it: the test tells.
VERSION, DIGEST = 4, "782c81477c68cb21"
C = OutcomeClass


def test_every_rule_has_a_name_of_its_own_wordings_and_a_source() -> None:
    names = [one.name for one in ruleset.RULES]

    assert len(names) == len(set(names))
    assert all(one.says and one.source and one.patterns for one in ruleset.RULES)


def test_no_rule_names_an_address_a_host_or_a_test_domain() -> None:
    said = " ".join(word for one in ruleset.RULES for word in (*one.says, *one.unless))

    assert not re.search(r"\w@|@\w", said)
    assert not re.search(r"example|libsisimai|\.(?:com|net|org|jp|de)\b", said)


def test_a_change_of_the_rules_raises_their_version() -> None:
    told = [
        (one.name, one.reason, one.says, one.codes, one.unless, sorted(one.of), one.links)
        for one in ruleset.RULES
    ]
    data = repr((told, statuses.ENHANCED, statuses.CODES, statuses.PROVIDER_RANGES))
    found = (ruleset.VERSION, hashlib.sha256(data.encode()).hexdigest()[:16])

    assert found == (VERSION, DIGEST), "raise ruleset.VERSION, then note version and digest here"


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("user unknown", "user unknown", True),
        ("user unknown", "user: unknown", True),
        ("user unknown", "users unknown", False),
        ("user unknown", "user is unknown", False),
        ("user .. unknown", "user x is unknown", True),
        ("user .. unknown", "user x.\x1fit is unknown", False),
        ("user .. unknown", "user " + "x" * 70 + " unknown", False),
        ("mail_box full", "mailbox full", True),
        ("mail_box full", "mail-box full", True),
        ("reject* mail", "rejecting mail", True),
        ("no ?such user", "no user", True),
        ("no ?such user", "no such user", True),
        ("!sender address unknown", "sender address unknown", False),
        ("!sender address unknown", "the address unknown", True),
        ("does|n't exist", "it doesn't exist", True),
        ("bl# listed", "bl21 listed", True),
        ("用户 .. 不存在", "用户x不存在", True),
    ],
)
def test_a_pattern_fits_what_it_says_and_is_found_by_its_words(
    pattern: str,
    text: str,
    fits: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    rules = RuleSet([rule("one", C.UNKNOWN, pattern, source="here")], 0)

    assert bool(compiled(pattern).regex.search(text)) is fits
    assert (rules.first(text, text, "5", "") is not None) is fits


def test_every_wording_is_found_where_all_its_patterns_are_tried() -> None:
    """The table from words to patterns loses none: what is found is what trying all would find."""
    texts = [said.replace("_", " ") for one in ruleset.RULES for said in one.says]
    plain = [
        re.sub(r"[?!]\S+ |\.\. ", "", re.sub(r"\|\S+", "", text)).replace("*", "") for text in texts
    ]

    for text in plain:
        tried = next(
            (
                one
                for one in ruleset.RULES
                if any(pattern.regex.search(text) for pattern in one.patterns)
                and one.holds(text, "5", "")
            ),
            None,
        )
        assert ruleset.CURRENT.first(text, text, "5", "") is tried, text


@pytest.mark.parametrize("text", ["..", "?a", "!b ..", "# ..", "a*"])
def test_a_pattern_without_a_word_that_must_be_there_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be there"):
        compiled(text)


def test_another_set_of_rules_judges_the_same_reply_anew() -> None:
    other = RuleSet([rule("pigeons", C.INFRA, "pigeon*", source="here")], 3)

    assert explain(554, Phase.DOT, "pigeon asleep", rules=other).rule == "pigeons"
    assert explain(554, Phase.DOT, "pigeon asleep").rule == "unknown"


@pytest.mark.parametrize(
    ("code", "text", "rule_name"),
    [
        (550, "5.7.606 whatever", "status.7.606"),
        (550, "[BL21] 5.1.1 user unknown", "yahoo.blocked"),
        (550, "5.7.1 user unknown", "mailbox.unknown"),
        (550, "5.1.1 pigeon", "status.1.1"),
        (550, "account pigeon", "code.550.rcpt"),
        (550, "pigeon", "unknown"),
        (554, "pigeon", "unknown"),
    ],
)
def test_provider_codes_come_before_words_before_status_before_the_bare_code(
    code: int, text: str, rule_name: str
) -> None:
    assert explain(code, Phase.RCPT, text).rule == rule_name


def test_what_was_accepted_asks_no_rule() -> None:
    before = ruleset.CURRENT._bits_of.copy()

    judged = judge(Reply(Phase.DOT, 250, "queued as neverseenword"))

    assert (judged.rule, judged.reason) == ("", C.ACCEPTED)
    assert before == ruleset.CURRENT._bits_of


def test_i12_only_rules_about_addresses_suppress() -> None:
    about = {one.name for one in ruleset.RULES if suppresses(one.reason)}

    assert not {
        name
        for name in about
        if name.startswith(("sender.", "policy.", "rate.", "reputation.", "content."))
    }


NEVER_HARD = Path(__file__).with_name("never_hard.txt").read_text().splitlines()


@pytest.mark.parametrize("line", NEVER_HARD)
def test_words_of_hard_replies_said_about_something_else_suppress_nobody(line: str) -> None:
    assert not suppresses(explain(int(line[:3]), None, line[4:]).reason)
