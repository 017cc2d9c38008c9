"""A small town goes through the real command: nothing is refused, and the Review shows its stories."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select

from app import create_app
from domain.operations import staffing
from line.simulator.town.building import build
from line.simulator.town.people import make_people
from line.simulator.town.stories import POP_UP, TASTING, Months, plus_months
from models.automation import Enrolment
from models.campaign import Campaign
from models.member import Member
from models.programme import MemberTag, Tag
from models.score import MonthClose
from models.session import Sessions
from models.staff import Staff
from models.store import Booking, Slot
from settings import Settings
from tests.support import databases

# The machine's own day: the command closes months and opens seats as of now.
TODAY = datetime.now(UTC).date()
PEOPLE = 320


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("town")
    build(made, until=TODAY, people=PEOPLE)
    return made


@pytest.fixture(scope="module", params=databases.KINDS)
def filled(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Filled"]:
    url = databases.fresh(request.param, "town", tmp_path_factory.mktemp("filled"))
    settings = Settings(database_url=url, line_api_base="http://127.0.0.1:1", secret_key="only-tests-know-this-0123")
    app = create_app(settings)
    sessions: Sessions = app.extensions["regulars"].sessions
    found = Filled(app.test_cli_runner(), sessions, folder)
    found.said = found.run("demo-fill", str(folder))
    yield found
    sessions.engine.dispose()
    databases.drop(url)


class Filled:
    """A practice shop after `flask demo-fill`."""

    said = ""

    def __init__(self, runner: FlaskCliRunner, sessions: Sessions, folder: Path) -> None:
        self.runner, self.sessions, self.folder = runner, sessions, folder

    def run(self, *arguments: str) -> str:
        done = self.runner.invoke(args=list(arguments), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def count(self, table: Any) -> int:
        with self.sessions.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def metrics(self, month: date) -> dict[str, Any]:
        said = json.loads(self.run("metrics", f"{month:%Y-%m}", "--json"))
        assert said["closed"]
        figures: dict[str, Any] = said["metrics"]
        return figures


def test_not_one_line_is_refused(filled: Filled) -> None:
    assert filled.said.count(" 0 refused") == 3, filled.said
    assert not list(filled.folder.glob("*.rejected.csv"))


def test_filling_again_changes_nothing(filled: Filled) -> None:
    tables = (Member, Staff, Slot, Booking, MonthClose, Enrolment)
    before = [filled.count(table) for table in tables]
    said = filled.run("demo-fill", str(filled.folder))
    assert said.count(": 0 loaded") == 3, said
    assert [filled.count(table) for table in tables] == before


def test_the_staff_can_sign_in_with_what_the_file_says(filled: Filled) -> None:
    for line in (filled.folder / "staff.txt").read_text(encoding="utf-8").splitlines():
        login, role, *_, password = line.split()
        with filled.sessions.reading() as session:
            staff = staffing.find(session, login)
            assert staff.role == role
            assert staffing.password_matches(staff.password_hash, password)


def test_one_campaign_waits_to_go_out_and_one_is_a_draft(filled: Filled) -> None:
    with filled.sessions.reading() as session:
        states = session.scalars(select(Campaign.state).where(Campaign.kind == "campaign")).all()
    assert sorted(states) == ["approved", "draft"]


def test_nobody_enters_an_automation_for_what_is_history(filled: Filled) -> None:
    assert filled.count(Enrolment) == 0


def test_one_gathering_captured_well_and_one_did_not(filled: Filled) -> None:
    month = Months(TODAY).last_closed
    parts = filled.metrics(month)["campaign_capture"]["parts"]
    good, bad = parts[f"{month:%Y-%m}-{TASTING}"], parts[f"{month:%Y-%m}-{POP_UP}"]
    assert good["value"] > 0.5 > 0.35 > bad["value"]


def test_tea_lovers_answered_what_others_left_alone(filled: Filled) -> None:
    month = Months(TODAY).last_closed
    message = filled.metrics(month)["segment_engagement"]["parts"][f"{month:%Y-%m}-new-high-mountain-oolong"]
    rates = {segment: part["value"] for segment, part in message["parts"].items()}
    assert rates["tea_lovers"] > rates["others"] + 0.2
    assert message["gap"]["is_clear"]


def test_repurchase_rose_clearly_in_one_month(filled: Filled) -> None:
    shown = plus_months(Months(TODAY).rise, 3)
    figure, before = filled.metrics(shown)["repurchase"], filled.metrics(plus_months(shown, -1))["repurchase"]
    assert figure["value"] > before["value"] + 0.05


def test_tainan_s_ware_lovers_are_drifting(filled: Filled) -> None:
    """Of those who have the tag of ware, far more of that group drift than of the others."""
    group = {person.ref for person in make_people(Months(TODAY), PEOPLE) if person.is_tainan_ware}
    with filled.sessions.reading() as session:
        ware, drifting = (set(session.scalars(select(Member.ref).where(Member.id.in_(_holders(key))))) for key in TAGS)
    theirs, others = len(ware & drifting & group) / len(ware & group), len(ware & drifting - group) / len(ware - group)
    assert theirs > 1.5 * others


TAGS = ("ware_lover", "drifting")


def _holders(key: str) -> Any:
    return select(MemberTag.member_id).join(Tag).where(Tag.key == key, MemberTag.removed_at.is_(None))
