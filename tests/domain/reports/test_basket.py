"""What is bought together, on both databases (definitions §10, EX-18), and against mlxtend."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pandas as pd
import pytest
from mlxtend.frequent_patterns import apriori, association_rules
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from domain.reports import basket
from domain.reports.basket import LEAST_TOGETHER, Pair, baskets
from models.programme import the_brand
from models.purchase import Purchase, PurchaseLine
from tests.support.factories import make_member
from tests.support.journey import local
from tests.support.reporting import listed, told

DAY = date(2026, 2, 10)


@pytest.fixture
def now(session: Session) -> datetime:
    return local(session, DAY) + timedelta(days=1)


def put_down(session: Session, orders: Sequence[Sequence[str]], member_id: int | None = None) -> None:
    """Orders with these skus; the first letter of a sku is its category."""
    at = local(session, DAY)
    head = {"paid_at": at, "recorded_at": at, "day": DAY, "net_amount": 100, "member_id": member_id}
    first = len(session.scalars(select(Purchase.id)).all())
    session.execute(insert(Purchase), [{"order_ref": f"B{first + n}", **head} for n in range(len(orders))])
    ids = list(session.scalars(select(Purchase.id).order_by(Purchase.id)))[first:]
    lines = [
        {"purchase_id": purchase, "line_no": no, "sku": sku, "product": sku.lower(), "category": sku[0], "quantity": 1,
         "amount": 10, "kind": "sale"}
        for purchase, skus in zip(ids, orders, strict=True)
        for no, sku in enumerate(skus, 1)
    ]  # fmt: skip
    session.execute(insert(PurchaseLine), lines)


def test_EX_18_herbs_and_root_vegetables() -> None:
    pair = Pair("herbs", "root vegetables", 9835, 160, 1072, 69)
    assert round(pair.support * 100, 4) == 0.7016
    assert round(pair.confidence * 100, 3) == 43.125
    assert round(pair.lift, 4) == 3.9565
    assert round(pair.low * 100, 1) == 35.7
    assert round(1072 / 9835 * 100, 1) == 10.9
    assert pair.is_shown
    hidden = Pair("a", "b", 10, 4, 5, 3)
    assert hidden.lift == 1.5
    assert round(hidden.low * 100, 1) == 30.1
    assert not hidden.is_shown


def test_shares_are_compared_in_whole_numbers() -> None:
    assert Pair("a", "b", 100, 5, 9, 4).is_at_least(80)
    assert not Pair("a", "b", 100, 5, 9, 4).is_at_least(81)
    assert not Pair("a", "b", 300, 30, 100, 10).is_lifted  # exactly as often as by chance


def test_the_rule_for_being_shown_is_that_the_low_end_beats_chance() -> None:
    assert not Pair("a", "b", 199, 20, 20, 15).is_shown  # too few baskets
    assert not Pair("a", "b", 1000, 12, 20, 9).is_shown  # too few together
    assert Pair("a", "b", 1000, 12, 20, 10).is_shown


@pytest.fixture
def orders() -> list[list[str]]:
    """Three thousand baskets of forty things, of which some like each other."""
    chance = random.Random(11)
    things = [f"{'ABCD'[n % 4]}{n:02}" for n in range(40)]
    weights = [1 / (n + 2) for n in range(40)]
    made = []
    for _ in range(3000):
        basket_ = set(chance.choices(things, weights, k=chance.randint(1, 6)))
        for friend, other in (("A00", "B13"), ("C02", "D23"), ("B05", "A32")):
            if friend in basket_ and chance.random() < 0.3:
                basket_.add(other)
        made.append(sorted(basket_))
    return made


def test_the_counts_are_mlxtends(session: Session, orders: list[list[str]]) -> None:
    put_down(session, orders)
    mine = {(each.first, each.second): each for each in baskets(session, "product", until=DAY).pairs}
    items = sorted({sku for skus in orders for sku in skus})
    table = pd.DataFrame([{sku: sku in skus for sku in items} for skus in orders])
    often = apriori(table, min_support=LEAST_TOGETHER / len(orders) - 1e-9, use_colnames=True, max_len=2)
    rules = association_rules(often, num_itemsets=len(orders), metric="lift", min_threshold=0)
    theirs = {(min(row.antecedents), min(row.consequents)): row for row in rules.itertuples()}
    for (first, second), pair in mine.items():
        row = theirs[first, second]
        assert (pair.support, pair.confidence, pair.lift) == (
            pytest.approx(row.support), pytest.approx(row.confidence), pytest.approx(row.lift),
        )  # fmt: skip
    whole = {
        key: Pair(
            *key, len(orders), int(table[key[0]].sum()), int(table[key[1]].sum()), round(row.support * len(orders))
        )
        for key, row in theirs.items()
    }
    shown = {key for key, pair in whole.items() if pair.is_shown}
    assert set(mine) == shown
    assert {("A00", "B13"), ("B13", "A00"), ("C02", "D23"), ("B05", "A32")} <= set(mine)


def test_a_basket_is_distinct_goods_of_a_qualified_order(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    the_brand(session).shelf = {"non_goods": ["SHIP"]}
    put_down(session, [["T1", "T1", "W1", "SHIP"]] * 30 + [["X1", "SHIP"]] * 200)
    session.execute(insert(Purchase), [{"order_ref": "refunded", "paid_at": now, "recorded_at": now, "day": DAY,
                                        "net_amount": 0}])  # fmt: skip
    found = baskets(session, "product", until=DAY)
    assert found.n == 230
    assert [(each.first, each.second, each.with_first, each.together) for each in found.pairs] == [
        ("T1", "W1", 30, 30), ("W1", "T1", 30, 30),
    ]  # fmt: skip
    assert found.names == {"T1": "t1", "W1": "w1"}
    assert [each.first for each in baskets(session, "category", until=DAY).pairs] == ["T", "W"]
    monkeypatch.setattr(basket, "LEAST_BASKETS", 231)
    assert baskets(session, "product", until=DAY).pairs == []


def test_the_page_says_the_strongest_pair_and_whom_to_offer_it(session: Session, now: datetime) -> None:
    both, first_only = make_member(session), make_member(session)
    put_down(session, [["T1", "W1"]], both.id)
    put_down(session, [["T1"]], first_only.id)
    put_down(session, [["T1", "W1"]] * 40 + [["T1"]] * 20 + [["X1"]] * 200)
    said = told(session, "basket", now, level="product")
    assert said.answer.startswith("Who buys w1 buys t1 with it in 100.0% of cases")
    sides = {
        which: listed(session, "basket", f"{which}\x1fT1\x1fW1", now, level="product") for which in ("both", "only")
    }
    assert list(sides["both"].people) == [both.id]
    assert list(sides["only"].people) == [first_only.id]
    few = told(session, "basket", now + timedelta(days=400), level="product")
    assert few.answer.startswith("Too few to tell: 0 orders")
