"""The programme at the terminal: said before it is done, planned, listed, gone back to; a wrong file does nothing."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from jobs.programme import run
from models.mission import ProgrammeVersion
from models.programme import Tier
from models.session import Sessions
from tests.api.conftest import Desk
from tests.domain.operations.test_programme import preset


def write(desk: Desk, data: Any, name: str = "p.yaml") -> Path:
    return desk.write(name, yaml.safe_dump(data, allow_unicode=True, sort_keys=False))


def with_gold_at(threshold: int) -> Any:
    data = preset()
    data["tiers"][2]["threshold"] = threshold
    return data


def gold(sessions: Sessions) -> int | None:
    with sessions.reading() as session:
        return session.scalar(select(Tier.threshold).where(Tier.key == "gold"))


def test_export_edit_diff_apply_and_roll_back(desk: Desk, sessions: Sessions) -> None:
    assert desk.run("programme", "apply", write(desk, preset()), "--yes").exit_code == 0
    file = desk.folder / "mine.yaml"
    desk.run("programme", "export", file)
    file.write_text(file.read_text("utf-8").replace("threshold: 15000", "threshold: 12000"), "utf-8")
    said = desk.run("programme", "diff", file).output
    assert "tiers.gold" in said
    assert "0 people below it have reached it and rise." in said
    assert "There are" not in said
    dry = desk.run("programme", "apply", file, "--dry-run")
    assert (dry.exit_code, gold(sessions)) == (0, 15_000)
    assert "applied" in desk.run("programme", "apply", file).output
    assert gold(sessions) == 12_000
    first = desk.run("programme", "versions").output.splitlines()[1].split()[0]
    back = desk.run("programme", "rollback", first, "--yes")
    assert (back.exit_code, gold(sessions)) == (0, 15_000)
    assert "no programme of that name" in desk.run("programme", "rollback", "zzz").output.lower()


def test_a_wrong_file_changes_nothing_and_says_its_line(desk: Desk, sessions: Sessions) -> None:
    data = preset()
    data["coupons"][1]["rule"] = {"condition": "tier_is", "tiers": ["no_such"]}
    file = write(desk, data)
    lines = file.read_text("utf-8").splitlines()
    result = desk.run("programme", "apply", file)
    assert result.exit_code == 1
    key = data["coupons"][1]["key"]
    assert f"coupons.{key}.rule" in result.output
    line = int(result.output.split("(line ")[1].split(")")[0])
    assert "condition: tier_is" in lines[line - 1]
    assert gold(sessions) is None
    file.write_text("brand: [", "utf-8")
    assert "line 1 is not YAML" in desk.run("programme", "apply", file).output


def test_planned_from_a_day_and_applied_on_it(desk: Desk, sessions: Sessions, now: datetime) -> None:
    desk.run("programme", "apply", write(desk, preset()))
    day = (now + timedelta(days=3)).date().isoformat()
    planned = desk.run(
        "programme", "apply", write(desk, with_gold_at(12_000)), "--from", day, "--words", "Gold for more"
    )
    assert "planned for" in planned.output
    assert gold(sessions) == 15_000
    listed = desk.run("programme", "versions").output.splitlines()[0]
    assert "planned" in listed
    assert "Gold for more" in listed
    run(sessions, now=now + timedelta(days=4), progress=lambda words: None)
    assert gold(sessions) == 12_000
    assert desk.run("programme", "apply", write(desk, preset()), "--from", "2020-01-01").exit_code == 1


def test_what_was_planned_can_be_cancelled(desk: Desk, sessions: Sessions, now: datetime) -> None:
    desk.run("programme", "apply", write(desk, preset()))
    day = (now + timedelta(days=3)).date().isoformat()
    desk.run("programme", "apply", write(desk, with_gold_at(12_000)), "--from", day)
    with sessions.reading() as session:
        sha = session.scalars(select(ProgrammeVersion.sha).where(ProgrammeVersion.state == "planned")).one()
    assert "cancelled 1" in desk.run("programme", "cancel", sha).output
    run(sessions, now=now + timedelta(days=4), progress=lambda words: None)
    assert gold(sessions) == 15_000


def test_more_tiers_than_people_remember_are_advised_against(desk: Desk) -> None:
    data = preset()
    data["tiers"].append({"key": "ruby", "name": {"en": "Ruby"}, "threshold": 90_000})
    said = desk.run("programme", "apply", write(desk, data), "--dry-run").output
    assert "There are 4 tiers to reach." in said
