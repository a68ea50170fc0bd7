"""`penguin seed` on a running stack: through log and read models, and nothing is mailed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.main_job_kit import MainJob

pytestmark = pytest.mark.stack

SIZE = ("--tenants", "12", "--leads", "900", "--sends", "4000")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainJob]:
    job = MainJob(tmp_path_factory.mktemp("seed"))
    job.up()
    yield job
    job.run("down")


def test_what_is_seeded_holds_and_is_never_mailed(job: MainJob) -> None:
    """I6 and I8: every send has its end in the log, and no connection was made for any."""
    filled = job.run("seed", *SIZE)
    again = job.run("seed", *SIZE)
    proof = job.run("verify")
    models = job.run("projections", "status")
    said = job.refused(2, "seed", "--tenants", "12", "--leads", "900", "--sends", "4100")

    assert (filled["tenants"], filled["leads"], filled["sends"]) == (12, 900, 4000)
    assert (again["decisions"], again["records"]) == (0, filled["records"])
    assert proof["ok"]
    assert proof["sends"] == 4000
    assert {model["lag"] for model in models} == {0}
    assert (job.data / "sink" / "received.jsonl").read_text() == ""
    assert "seeded with other sizes" in said


def test_a_shape_that_cannot_be_is_wrong_usage(job: MainJob) -> None:
    said = job.refused(2, "seed", "--tenants", "10", "--leads", "3", "--sends", "5")

    assert "--leads 3" in said
