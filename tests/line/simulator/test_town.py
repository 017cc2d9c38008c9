"""The practice town: the same from the same day, never ahead of it, with its stories in the files."""

import csv
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from line.simulator.people import People
from line.simulator.town.building import build
from line.simulator.town.personas import PERSONAS
from line.simulator.town.stories import Months

UNTIL = date(2026, 11, 22)
FILES = ("members.csv", "purchases.csv", "events.jsonl", "users.jsonl", "staff.txt", "people.txt", "members_dirty.csv")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    build(folder, until=UNTIL)
    return folder


def events(town: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (town / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def purchases(town: Path) -> list[dict[str, str]]:
    with (town / "purchases.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_same_day_gives_the_same_town(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        build(tmp_path / folder, until=UNTIL, people=120)
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("until", [date(2026, 3, 1), date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 8)])
def test_any_day_can_be_the_last(tmp_path: Path, until: date) -> None:
    counts = build(tmp_path, until=until, people=60)
    assert all(counts.values())


def test_a_town_of_its_size(town: Path) -> None:
    lines = {name: len((town / name).read_text(encoding="utf-8").splitlines()) for name in FILES}
    assert 2_900 < lines["members.csv"] < 3_100
    assert 20_000 < lines["purchases.csv"] < 40_000
    assert 100_000 < lines["events.jsonl"] < 160_000


def test_nothing_happens_after_its_end(town: Path) -> None:
    end = f"{UNTIL}T00:00:00"
    assert max(line["at"] for line in events(town)) < end
    assert max(line["paid_at"] for line in purchases(town)) < end
    with (town / "members.csv").open(encoding="utf-8") as file:
        assert max(line["joined_at"] for line in csv.DictReader(file)) < end


def test_the_phones_begin_with_the_people_to_try(town: Path) -> None:
    lines = (town / "users.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    people = People()
    assert people.load(rows) == len(rows) == len(people)
    assert [row["name"] for row in rows[: len(PERSONAS)]] == [persona.name for persona in PERSONAS]
    states = {row["name"]: people.get(row["user_id"]).state for row in rows[: len(PERSONAS)]}
    assert states["林詠晴"] == "stranger"
    assert states["王淑芬"] == "friend"
    assert states["吳志明"] == "blocked"


def test_the_menu_button_falls_silent_and_the_app_did_for_three_days(town: Path) -> None:
    months = Months(UNTIL)
    days: dict[str, Counter[str]] = {"postback": Counter(), "opened_app": Counter()}
    for line in events(town):
        if line["kind"] in days:
            days[line["kind"]][line["at"][:10]] += 1
    silent = [str(UNTIL - timedelta(days=n)) for n in (1, 2, 3, 4)]
    before = [str(UNTIL - timedelta(days=n)) for n in range(5, 33)]
    assert not any(days["postback"][day] for day in silent)
    assert min(days["postback"][day] for day in before) >= 1
    assert sorted(days["postback"][day] for day in before)[14] >= 5
    paused = [str(months.last_closed.replace(day=day)) for day in (17, 18, 19)]
    assert not any(days["opened_app"][day] for day in paused)


def test_ware_lovers_of_tainan_buy_ever_less(town: Path) -> None:
    """Beside everyone else, who go on as they did."""
    since = [str(UNTIL - timedelta(days=days)) for days in (240, 120)]
    bought: Counter[tuple[bool, bool]] = Counter()
    for line in purchases(town):
        if line["kind"] == "sale" and line["paid_at"] >= since[0]:
            is_theirs = line["store"] == "shennong" and line["category"] == "ware"
            bought[is_theirs, line["paid_at"] >= since[1]] += 1
    assert bought[True, True] < 0.7 * bought[True, False]
    assert bought[False, True] > 0.8 * bought[False, False]
