"""The published table of figures is what the result files say."""

from __future__ import annotations

from tests.chaos import scoreboard


def test_the_table_is_made_of_the_result_files() -> None:
    page = scoreboard.PAGE.read_text()

    assert scoreboard.written(page, scoreboard.results(scoreboard.RESULTS)) == page, (
        "cure: make scoreboard"
    )


def test_a_figure_that_does_not_hold_is_shown_as_such() -> None:
    line = {"what": "w", "size": "s", "target": "t", "figure": "f", "command": "c"}

    assert "| f | holds | `c` |" in scoreboard.table([line | {"holds": True}])
    assert "**does not hold**" in scoreboard.table([line | {"holds": False}])
