"""Programmes as versions: applied, planned, gone back to; what holds from a day judges from that day on."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.operations import programme
from domain.operations.programme.versions import rebased
from models.mission import ProgrammeVersion
from models.programme import Ladder, Tag, Tier
from tests.domain.operations.test_programme import preset
from tests.support.factories import make_member, make_purchase
from tests.support.moments import NOW

DAY = timedelta(days=1)


def applied(session: Session, data: Any, *, now: Any = NOW) -> None:
    programme.apply(session, programme.read(data), by="Mei", now=now)


def with_gold_at(threshold: int) -> Any:
    data = preset()
    data["tiers"][2]["threshold"] = threshold
    return data


def gold(session: Session) -> int:
    return session.scalars(select(Tier.threshold).where(Tier.key == "gold")).one()


def test_what_is_applied_is_kept_and_can_be_gone_back_to(session: Session) -> None:
    applied(session, preset())
    before = programme.export(session)
    applied(session, with_gold_at(12_000), now=NOW + DAY)
    newest, first, blank = programme.versions(session)
    assert (newest.state, newest.by, first.document) == ("applied", "Mei", before)
    assert "tiers" not in blank.document  # what stood before anything was applied
    assert programme.roll_back(session, first.sha[:6], by="Mei", now=NOW + 2 * DAY)
    assert gold(session) == 15_000
    assert programme.export(session) == before
    assert len(programme.versions(session)) == 4


def test_applying_what_is_so_already_makes_no_version(session: Session) -> None:
    applied(session, preset())
    count = len(programme.versions(session))
    applied(session, preset(), now=NOW + DAY)
    assert len(programme.versions(session)) == count


def test_what_was_changed_by_hand_is_kept_before_the_next_version(session: Session) -> None:
    applied(session, preset())
    tag = session.scalars(select(Tag).where(Tag.key == "drifting")).one()
    tag.life_days = 30
    session.flush()
    by_hand = programme.export(session)
    applied(session, with_gold_at(12_000), now=NOW + DAY)
    assert programme.versions(session)[1].document == by_hand


def test_nothing_of_that_name_was_applied(session: Session) -> None:
    applied(session, preset())
    with pytest.raises(NotFound):
        programme.roll_back(session, "no-such", by="Mei", now=NOW)
    with pytest.raises(NotFound):
        programme.roll_back(session, "", by="Mei", now=NOW)


def test_what_is_planned_is_applied_on_its_day_and_once(session: Session) -> None:
    applied(session, preset())
    version = programme.plan(
        session, programme.read(with_gold_at(12_000)), by="Mei", applies_at=NOW + 3 * DAY, now=NOW
    )  # fmt: skip
    assert programme.apply_due(session, now=NOW + 2 * DAY) == 0
    assert gold(session) == 15_000
    assert programme.apply_due(session, now=NOW + 3 * DAY) == 1
    assert (gold(session), version.state) == (12_000, "applied")
    assert programme.apply_due(session, now=NOW + 4 * DAY) == 0


def test_what_is_changed_in_the_meantime_stays(session: Session) -> None:
    """The plan changes what it was made to change; a tag of Tuesday is not undone by a plan of Monday."""
    applied(session, preset())
    programme.plan(session, programme.read(with_gold_at(12_000)), by="Mei", applies_at=NOW + 3 * DAY, now=NOW)
    data = preset()
    data["tags"].append({"key": "new_one", "name": {"en": "New"}})
    data["brand"]["weekly_cap"] = 5
    applied(session, data, now=NOW + DAY)
    programme.apply_due(session, now=NOW + 3 * DAY)
    written = programme.export(session)
    assert gold(session) == 12_000
    assert "new_one" in [tag["key"] for tag in written["tags"]]
    assert written["brand"]["weekly_cap"] == 5


def test_a_plan_that_fails_changes_nothing_and_says_why(session: Session) -> None:
    applied(session, preset())
    data = with_gold_at(12_000)
    data["automations"][0]["actions"][0]["benefit"] = {"coupon": "tasting_tea"}
    version = programme.plan(session, programme.read(data), by="Mei", applies_at=NOW + 3 * DAY, now=NOW)
    without = preset()
    without["coupons"] = [each for each in without["coupons"] if each["key"] != "tasting_tea"]
    applied(session, without, now=NOW + DAY)
    assert programme.apply_due(session, now=NOW + 3 * DAY) == 0
    assert (version.state, gold(session)) == ("failed", 15_000)
    assert "tasting_tea" in (version.error or "")
    programme.cancel(session, version)
    assert version.state == "cancelled"


def test_a_day_that_has_begun_cannot_be_planned_for(session: Session) -> None:
    with pytest.raises(Conflict):
        programme.plan(session, programme.read(preset()), by="Mei", applies_at=NOW, now=NOW)


def test_another_threshold_holds_from_its_day_and_the_old_one_until_then(session: Session) -> None:
    applied(session, preset())
    assert session.scalars(select(Ladder)).all() == []
    applied(session, with_gold_at(12_000), now=NOW + DAY)
    old, new = session.scalars(select(Ladder).order_by(Ladder.from_day)).all()
    assert (old.thresholds["gold"], new.thresholds["gold"]) == (15_000, 12_000)
    assert old.settled_at is not None
    assert new.settled_at is None
    data = with_gold_at(12_000)
    data["brand"]["tiers_by"] = "visits"
    applied(session, data, now=NOW + 2 * DAY)
    assert [row.measure for row in session.scalars(select(Ladder).order_by(Ladder.id))] == ["spend", "spend", "visits"]


THINGS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3).map(lambda n: {"n": n}), max_size=4)


def listed(things: dict[str, dict[str, int]]) -> dict[str, Any]:
    return {"tags": [{"key": key, **value} for key, value in things.items()]}


@given(base=THINGS, planned=THINGS, current=THINGS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_plan_on_top_of_what_is(base: Any, planned: Any, current: Any) -> None:
    """Where the plan differs from what it was made from, the plan; everywhere else, what is."""
    made = {each["key"]: each for each in rebased(listed(planned), listed(base), listed(current)).get("tags", [])}
    for key in "abcd":
        wanted = current.get(key) if planned.get(key) == base.get(key) else planned.get(key)
        assert made.get(key) == (None if wanted is None else {"key": key, **wanted})


CHANGES: dict[str, Any] = {
    "gold": lambda data, n: data["tiers"][2].update(threshold=6_000 + n),
    "tag": lambda data, n: data["tags"][0].update(life_days=n + 1),
    "less": lambda data, n: data["keyword_answers"].pop(),
    "coupon": lambda data, n: data["coupons"][0].update(value=n + 1),
    "cap": lambda data, n: data["brand"].update(weekly_cap=n + 1),
    "words": lambda data, n: data["automations"][0]["name"].update(en=f"Birthday {n}"),
}


def by_key(document: dict[str, Any]) -> dict[str, Any]:
    return {
        section: sorted(items, key=lambda each: str(each["key"])) if isinstance(items, list) else items
        for section, items in document.items()
    }


@pytest.mark.parametrize("name", CHANGES)
def test_round_trip(session: Session, name: str) -> None:
    """What is applied is exported as it was written; again changes nothing; going back restores."""
    applied(session, preset())
    first = programme.export(session)
    data = preset()
    CHANGES[name](data, 7)
    wanted = programme.read(data)
    assert programme.diff(session, wanted)
    applied(session, data, now=NOW + DAY)
    assert by_key(programme.export(session)) == by_key(programme.plain(wanted))
    assert programme.diff(session, wanted) == []
    programme.roll_back(session, programme.versions(session)[1].sha, by="Mei", now=NOW + 2 * DAY)
    assert programme.export(session) == first


def test_versions_are_paged_by_key(session: Session) -> None:
    for n in range(3):
        applied(session, with_gold_at(12_000 + n), now=NOW + n * DAY)
    newest = programme.versions(session, limit=1)[0]
    assert newest not in programme.versions(session, before=newest.id)
    assert session.get(ProgrammeVersion, newest.id) is newest


def said(session: Session, data: Any) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    found = programme.touches(session, programme.read(data), now=NOW)
    return {
        f"{change.section}.{change.key}": [(each.words, each.values) for each in touches] for change, touches in found
    }


def test_it_says_whom_a_change_concerns_before_it_is_made(session: Session) -> None:
    applied(session, preset(), now=NOW - 30 * DAY)
    tiers = {tier.key: tier for tier in session.scalars(select(Tier))}
    for amount, tier in ((12_500, "silver"), (11_000, "silver"), (15_000, "gold")):
        member = make_member(session, tier_id=tiers[tier].id)
        make_purchase(session, member, paid_at=NOW - DAY, amount=amount)
    data = with_gold_at(12_000)
    data["tags"][4]["rule"]["amount"] = 12_000
    data["automations"] = [each for each in data["automations"] if each["key"] != "birthday"]
    data["automations"].append(
        {
            **data["automations"][-1], "key": "another", "enabled": True,
            "trigger": {"on": "rule_holds", "rule": {"condition": "bought"}},
        }
    )  # fmt: skip
    touched = said(session, data)
    assert touched["tiers.gold"][0] == ("%(n)s people below it have reached it and rise.", {"n": 1})
    assert touched["tags.high_spender"] == [
        ("The rule holds for %(n)s people; %(old)s have the tag now.", {"n": 2, "old": 0})
    ]
    assert touched["automations.birthday"] == [("%(n)s people who wait in it leave.", {"n": 0})]
    assert touched["automations.another"][0][1] == {"n": 3}
    assert gold(session) == 15_000
