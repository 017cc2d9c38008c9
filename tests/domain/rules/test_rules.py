"""Rules: the count is the list, NOT is exactly everybody else, and a sentence says what the query does."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Invalid
from domain.operations.recording import record
from domain.rules import Names, compile_rule, context_of, describe, holds_for, names_of, sentence, validate, why
from models.benefit import Coupon, CouponClaim
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.member import Member
from models.programme import MemberTag, Tier
from models.purchase import PurchaseLine, RefundAllocation
from models.score import MemberScore
from models.store import Booking
from tests.support.factories import make_member, make_purchase, make_slot, make_store, make_tag
from tests.support.moments import NOW
from tests.support.purse import put_points


def people(session: Session, rule: dict) -> set[int]:
    return set(session.scalars(select(Member.id).where(compile_rule(validate(rule), context_of(session, NOW)))))


def ago(days: float) -> timedelta:
    return timedelta(days=days)


def test_everyone_and_nobody(session: Session) -> None:
    one = make_member(session)
    assert one.id in people(session, {})
    assert one.id in people(session, {"all": []})
    assert people(session, {"any": []}) == set()


def test_a_tag_counts_until_it_is_taken_or_runs_out(session: Session) -> None:
    tag = make_tag(session, "tea")
    live, taken, over = (make_member(session) for _ in range(3))
    for member, fields in (
        (live, {"expires_at": NOW + ago(1)}),
        (taken, {"removed_at": NOW - ago(1)}),
        (over, {"expires_at": NOW - ago(1)}),
    ):
        session.add(MemberTag(member_id=member.id, tag_id=tag.id, assigned_at=NOW - ago(30), source="staff", **fields))
    session.flush()
    assert people(session, {"condition": "has_tag", "tag": "tea"}) == {live.id}
    assert {taken.id, over.id} <= people(session, {"not": {"condition": "has_tag", "tag": "tea"}})


def test_spending_counts_the_last_days_and_the_empty_handed(session: Session) -> None:
    rich, poor, old, none = (make_member(session) for _ in range(4))
    make_purchase(session, rich, paid_at=NOW - ago(1), amount=3000)
    make_purchase(session, rich, paid_at=NOW - ago(2), amount=2000)
    make_purchase(session, poor, paid_at=NOW - ago(1), amount=4999)
    make_purchase(session, old, paid_at=NOW - ago(31), amount=9000)
    rule = {"condition": "spent", "amount": 5000, "days": 30}
    assert people(session, rule) == {rich.id}
    assert {poor.id, old.id, none.id} <= people(
        session, {"condition": "spent", "compare": "at_most", "amount": 5000, "days": 30}
    )
    # The window is local days: today and the 29 before it.
    assert people(session, {"condition": "bought", "days": 32}) == {rich.id, poor.id, old.id}
    assert people(session, {"condition": "bought", "days": 31}) == {rich.id, poor.id}


def test_two_orders_on_one_day_are_one_occasion_and_a_refunded_one_is_none(session: Session) -> None:
    once, twice = make_member(session), make_member(session)
    for member, second in ((once, 0), (twice, 3)):
        make_purchase(session, member, paid_at=NOW - ago(4), amount=10)
        make_purchase(session, member, paid_at=NOW - ago(4 - second) + timedelta(minutes=1), amount=10)
    make_purchase(session, once, paid_at=NOW - ago(1), amount=0)
    assert people(session, {"condition": "bought", "times": 2}) == {twice.id}
    assert people(session, {"condition": "last_purchase", "compare": "at_least", "days": 4}) == {once.id}
    assert people(session, {"condition": "last_purchase", "compare": "at_most", "days": 1}) == {twice.id}


def test_a_line_brought_back_whole_was_not_bought(session: Session) -> None:
    kept, returned = make_member(session), make_member(session)
    for member in (kept, returned):
        order = make_purchase(session, member, paid_at=NOW - ago(3), amount=50)
        tea = PurchaseLine(
            purchase_id=order.id, line_no=1, sku="T1", category="tea", quantity=1, amount=100, kind="sale"
        )
        back = PurchaseLine(
            purchase_id=order.id, line_no=2, sku="T1", quantity=1, amount=-100, kind="refund", allocated=100
        )
        session.add_all([tea, back])
        session.flush()
        amount = 100 if member is returned else 40
        session.add(RefundAllocation(refund_line_id=back.id, sale_line_id=tea.id, amount=amount))
    session.flush()
    assert people(session, {"condition": "bought_sku", "skus": ["T1"]}) == {kept.id}
    assert people(session, {"condition": "bought_category", "categories": ["tea"], "days": 5}) == {kept.id}


def test_did_and_did_not(session: Session) -> None:
    often, once, never = (make_member(session) for _ in range(3))
    for member, days in ((often, 1), (often, 2), (once, 1), (once, 40)):
        record(
            session, "browsed", member_id=member.id, source="shop", object="SKU", occurred_at=NOW - ago(days), now=NOW
        )
    rule = {"condition": "did", "event": "browsed", "times": 2, "days": 30}
    assert people(session, rule) == {often.id}
    assert people(session, {"condition": "did", "event": "browsed", "object": "OTHER"}) == set()
    assert never.id in people(session, {"not": {"condition": "did", "event": "browsed"}})


def test_visits_are_counted_once_a_day_from_all_that_happens_in_a_store(session: Session) -> None:
    store = make_store(session)
    member = make_member(session)
    record(
        session, "visited", member_id=member.id, source="console", object=store.key, occurred_at=NOW - ago(2), now=NOW
    )
    make_purchase(session, member, paid_at=NOW - ago(2), amount=10, store_id=store.id)
    assert people(session, {"condition": "visited", "stores": [store.key]}) == {member.id}
    assert people(session, {"condition": "visited", "times": 2}) == set()
    make_purchase(session, member, paid_at=NOW - ago(1), amount=10, store_id=store.id)
    assert people(session, {"condition": "visited", "times": 2, "days": 3}) == {member.id}


def test_bookings_and_coupons(session: Session) -> None:
    member, store = make_member(session), make_store(session)
    slot = make_slot(session, store, starts_at=NOW + ago(1))
    booking = Booking(
        ref="B1", slot_id=slot.id, store_id=store.id, member_id=member.id, starts_at=slot.starts_at,
        ends_at=slot.ends_at, created_at=NOW, state_at=NOW,
    )  # fmt: skip
    coupon = Coupon(key="ten")
    session.add_all([booking, coupon])
    session.flush()
    session.add(
        CouponClaim(
            ref="C1", coupon_id=coupon.id, member_id=member.id, cause="x", issued_at=NOW, expires_at=NOW + ago(1)
        )
    )
    session.flush()
    assert people(session, {"condition": "booked", "state": "upcoming"}) == {member.id}
    assert people(session, {"condition": "booked", "state": "missed"}) == set()
    assert people(session, {"condition": "has_coupon", "coupon": "ten"}) == {member.id}
    assert people(session, {"condition": "has_coupon", "state": "expired"}) == set()


def test_profile_conditions_never_swallow_who_said_nothing(session: Session) -> None:
    """NOT of a condition holds for everyone it does not hold for, empty fields included (C7)."""
    store = make_store(session)
    tier = Tier(key="gold", rank=9, name={"en": "Gold"})
    session.add(tier)
    session.flush()
    known = make_member(
        session, language="ja", gender="f", birth_month=3, birth_date=NOW.date().replace(year=1990),
        home_store_id=store.id, entry_source="qr", custom={"shoe": "38"}, tier_id=tier.id,
    )  # fmt: skip
    blank = make_member(session, friend=False, registered=False, language=None)
    rules = [
        {"condition": "language_is", "languages": ["ja"]},
        {"condition": "gender_is", "genders": ["f"]},
        {"condition": "birthday", "month": "this"},
        {"condition": "age", "at_least": 36, "at_most": 36},
        {"condition": "home_store", "stores": [store.key]},
        {"condition": "entry_source", "sources": ["qr"]},
        {"condition": "field_is", "field": "shoe", "value": "38"},
        {"condition": "field_is", "field": "shoe", "compare": "contains", "value": "3"},
        {"condition": "tier_is", "tiers": ["gold"]},
        {"condition": "registered"},
        {"condition": "joined", "days": 400},
        {"condition": "is_friend"},
        {"condition": "consented"},
        {"condition": "in_list", "members": [known.ref]},
    ]
    for rule in rules:
        assert people(session, rule) == {known.id}, rule
        assert people(session, {"not": rule}) == {blank.id}, rule


def test_age_turns_on_the_birthday(session: Session) -> None:
    today = calendar_of(session).day_of(NOW)
    turned = make_member(session, birth_date=today.replace(year=today.year - 20))
    not_yet = make_member(session, birth_date=today.replace(year=today.year - 20) + ago(1))
    assert people(session, {"condition": "age", "at_least": 20}) == {turned.id}
    assert people(session, {"condition": "age", "at_most": 19}) == {not_yet.id}


def test_sends_and_their_answers(session: Session) -> None:
    sent, held = make_member(session), make_member(session)
    campaign = Campaign(
        ref="spring", name="Spring", state="sent", state_at=NOW, created_at=NOW, channel_id=the_channel(session).id
    )
    session.add(campaign)
    session.flush()
    for member, state in ((sent, "sent"), (held, "held_out")):
        session.add(
            Recipient(
                campaign_id=campaign.id,
                member_id=member.id,
                state=state,
                due_at=NOW,
                sent_at=NOW if state == "sent" else None,
            )
        )
    record(session, "clicked", member_id=sent.id, source="line", campaign_id=campaign.id, now=NOW)
    assert people(session, {"condition": "was_sent", "campaign": "spring"}) == {sent.id}
    assert people(session, {"condition": "engaged", "campaign": "spring", "days": 1}) == {sent.id}
    assert held.id in people(session, {"not": {"condition": "engaged"}})


def test_why_names_the_rows_behind(session: Session) -> None:
    member = make_member(session)
    for days in range(5):
        make_purchase(session, member, paid_at=NOW - ago(days), amount=1000, order_ref=f"WHY{days}")
    rule = {"all": [{"condition": "spent", "amount": 3000}, {"not": {"condition": "did", "event": "texted"}}]}
    spent, silent = why(session, rule, member.id, context_of(session, NOW))
    assert [row["object"] for row in spent.behind] == ["WHY0", "WHY1", "WHY2"]
    assert spent.words("en", Names()) == "spent at least NT$ 3,000"
    assert silent.behind == []
    assert silent.words("en").startswith("never:")


def test_one_person_is_judged_as_in_the_crowd(session: Session) -> None:
    member, other = make_member(session), make_member(session)
    make_purchase(session, member, paid_at=NOW, amount=10)
    rule = {"any": [{"condition": "bought"}, {"condition": "visited"}]}
    assert holds_for(session, rule, member.id, context_of(session, NOW))
    assert not holds_for(session, rule, other.id, context_of(session, NOW))


@pytest.mark.parametrize(
    "rule",
    [
        {"condition": "no_such"},
        {"condition": "spent"},
        {"condition": "spent", "amount": "much"},
        {"condition": "spent", "amount": 5, "dayz": 3},
        {"all": {"condition": "bought"}},
        {"all": [], "any": []},
        ["bought"],
        {"condition": "age"},
        {"condition": "did", "event": "danced"},
        {"condition": "field_is", "field": 'a"b', "value": "x"},
    ],
)
def test_a_wrong_rule_is_refused_in_words(rule: object) -> None:
    with pytest.raises(Invalid) as refusal:
        validate(rule)
    assert refusal.value.code == "bad_rule"


def test_a_bottomless_rule_is_refused() -> None:
    rule: dict = {"condition": "bought"}
    for _ in range(50):
        rule = {"not": rule}
    with pytest.raises(Invalid):
        validate(rule)


def test_sentences_read_as_sentences(session: Session) -> None:
    make_tag(session, "vip", name={"en": "VIP", "ja": "特別"})
    rule = {
        "all": [
            {"condition": "has_tag", "tag": "vip"},
            {"any": [{"condition": "bought", "days": 30}, {"condition": "visited", "times": 3, "days": 60}]},
            {"not": {"condition": "consented"}},
        ]
    }
    assert sentence(rule, "en", names_of(session, "en")) == (
        "has the tag VIP and (bought something in the last 30 days or was in a store on at least 3 days"
        " in the last 60 days) and has not agreed to marketing"
    )


def test_every_condition_explains_itself() -> None:
    for condition in describe():
        assert condition.title, condition.name
        assert condition.about.endswith("."), condition.name
        assert condition.fields() is not None


def test_a_rule_costs_the_same_number_of_queries_for_any_number_of_people(session: Session) -> None:
    for _ in range(3):
        make_member(session)
    count = session.scalar(select(func.count()).select_from(Member).where(compile_rule({}, context_of(session, NOW))))
    assert count == len(people(session, {}))


def test_points_are_those_that_can_be_used_now(session: Session) -> None:
    rich, spent, waits, ended = (make_member(session) for _ in range(4))
    for member, points in ((rich, 30), (rich, 25), (spent, 80), (spent, -50)):
        put_points(session, member, points, at=NOW)
    put_points(session, waits, 90, at=NOW, usable_at=NOW + timedelta(days=7))
    put_points(session, ended, 90, at=NOW - timedelta(days=9), expires_at=NOW - timedelta(days=1))
    assert people(session, {"condition": "has_points", "points": 50}) == {rich.id}


def test_the_life_cycle_state_is_last_nights(session: Session) -> None:
    loyal, asleep = make_member(session), make_member(session)
    for member, state in ((loyal, "L"), (asleep, "P")):
        session.add(MemberScore(member_id=member.id, as_of=NOW.date(), napl=state, rfm_group="vip"))
    session.flush()
    assert people(session, {"condition": "napl_is", "states": ["L"]}) == {loyal.id}
    assert people(session, {"not": {"condition": "napl_is", "states": ["L"]}}) >= {asleep.id}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"within_percent": 20}, {"close", "nearly_gold"}), ({"within_amount": 1000}, {"close", "nearly_gold"}),
        ({"within_amount": 999}, {"nearly_gold"}), ({"within_percent": 20, "tiers": ["gold"]}, {"nearly_gold"}),
        ({"within_percent": 21, "tiers": ["silver"]}, {"close", "far"}),
    ],
)  # fmt: skip
def test_near_the_next_tier_is_told_by_what_counts_today(session: Session, rule: dict, expected: set[str]) -> None:
    tiers = {
        key: Tier(key=key, rank=rank, threshold=least, name={"en": key})
        for rank, (key, least) in enumerate((("general", 0), ("silver", 5_000), ("gold", 15_000)))
    }
    session.add_all(tiers.values())
    session.flush()
    spent = {
        "close": (4_000, "general", 1), "far": (3_999, "general", 1), "there": (5_000, "silver", 1),
        "nearly_gold": (14_500, "silver", 1), "long_ago": (4_900, "general", 366), "kept": (4_900, "silver", 1),
    }  # fmt: skip
    named = {}
    for name, (amount, tier, days) in spent.items():
        member = make_member(session, registered_at=NOW - ago(900), tier_id=tiers[tier].id)
        make_purchase(session, member, paid_at=NOW - ago(days), amount=amount)
        named[member.id] = name
    found = people(session, {"condition": "near_tier", **rule})
    assert {named[each] for each in found} == expected
