"""A member with a life, for pages to show: tiers, purchases, points, coupons, a form, stores with seats."""

from datetime import timedelta

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import claiming, opening, tiering
from domain.operations.entering import enter
from domain.operations.joining import register
from domain.operations.purchasing import Line, record_order
from models.benefit import Coupon
from models.member import Member
from models.programme import Form, Tier, the_brand
from models.store import Store
from tests.support.purse import put_points
from tests.support.world import World

TIERS = (
    ("regular", 0, {"en": "Regular", "zh-Hant": "一般", "ja": "レギュラー", "th": "ทั่วไป"}),
    ("silver", 5000, {"en": "Silver", "zh-Hant": "銀卡", "ja": "シルバー", "th": "ซิลเวอร์"}),
    ("gold", 15000, {"en": "Gold", "zh-Hant": "金卡", "ja": "ゴールド", "th": "โกลด์"}),
    ("black", 30000, {"en": "Black", "zh-Hant": "黑卡", "ja": "ブラック", "th": "แบล็ก"}),
)
BENEFITS = {
    "en": ["A gift in your birthday month", "Points doubled on member days"],
    "zh-Hant": ["生日月好禮", "會員日點數加倍"],
    "ja": ["誕生月のギフト", "会員デーはポイント2倍"],
    "th": ["ของขวัญเดือนเกิด", "แต้มสองเท่าในวันสมาชิก"],
}
QUESTIONS = [
    {
        "key": "score",
        "label": {"en": "Would you recommend us?", "zh-Hant": "您願意推薦我們給朋友嗎？"},
        "kind": "score",
        "required": True,
    },
    {
        "key": "skin",
        "label": {"en": "How is your skin?", "zh-Hant": "您的膚況"},
        "kind": "choice",
        "field": "skin",
        "options": [
            {"value": "dry", "label": {"en": "Dry", "zh-Hant": "乾性"}},
            {"value": "oily", "label": {"en": "Oily", "zh-Hant": "油性"}},
        ],
    },
    {
        "key": "likes",
        "label": {"en": "What do you come for?", "zh-Hant": "您來店的原因"},
        "kind": "choices",
        "options": [
            {"value": "facial", "label": {"en": "Facials", "zh-Hant": "臉部保養"}},
            {"value": "talk", "label": {"en": "Advice", "zh-Hant": "諮詢"}},
        ],
    },
    {"key": "words", "label": {"en": "Anything else?", "zh-Hant": "還有什麼想說的嗎？"}, "kind": "text"},
]


def furnish(world: World, *, language: str = "zh-Hant") -> str:
    """Makes the world's programme and one member with a life; returns their LINE user id."""
    user = world.line.add_user(name="陳美玲", language=language, following=True)
    with world.sessions.writing() as session:
        _programme(session, world)
        member = enter(
            session,
            user_id=user,
            name="陳美玲",
            picture_url=None,
            language=language,
            now=world.now - timedelta(days=200),
        ).member
        register(
            session, member, name="陳美玲", phone="0912345678", consent=True, consent_wording="yes", method="liff",
            now=world.now - timedelta(days=200),
        )  # fmt: skip
        _life(session, member, world)
        session.commit()
    return user


def _programme(session: Session, world: World) -> None:
    brand = the_brand(session)
    brand.name = "Kiri Botanics"
    for rank, (key, threshold, name) in enumerate(TIERS):
        session.add(Tier(key=key, rank=rank, name=name, threshold=threshold, benefits=BENEFITS if rank else {}))
    for key, name, address in (
        ("xinyi", "信義店", "台北市信義區松壽路 12 號"), ("zhongshan", "中山店", "台北市中山區南京西路 25 號")
    ):  # fmt: skip
        store = Store(key=key, name=name, address=address, phone="02 2345 6789")
        session.add(store)
        session.flush()
        opening.open_slots(session, store, days=14, now=world.now)
    session.add(Form(key="visit", title={"en": "Your visit", "zh-Hant": "這次的體驗"}, questions=QUESTIONS))
    session.flush()


def _life(session: Session, member: Member, world: World) -> None:
    for n, (days, amount) in enumerate(((150, 2480), (90, 1860), (40, 3200), (12, 980))):
        line = Line(line_no=1, sku="cream", amount=amount, product="Cream")
        record_order(
            session, order_ref=f"T{n}", member_id=member.id, buyer_ref=None, paid_at=world.now - timedelta(days=days),
            channel="store", store_id=1, lines=[line], source="test", now=world.now,
        )  # fmt: skip
    put_points(session, member, 1240, at=world.now, reason="earned", cause=f"p{member.id}")
    ends = calendar_of(session).last_second(calendar_of(session).day_of(world.now) + timedelta(days=20))
    for key, kind, title, value in (
        ("welcome", "amount_off", {"en": "NT$ 200 off your next visit", "zh-Hant": "下次消費折 200 元"}, 200),
        ("gift", "gift", {"en": "A hand cream with any facial", "zh-Hant": "臉部保養贈護手霜"}, 0),
        ("early", "percent_off", {"en": "10 % off before noon", "zh-Hant": "中午前 9 折"}, 10),
    ):
        session.add(Coupon(key=key, kind=kind, title=title, value=value, valid_days=30, use_until=ends))
        session.flush()
        if key != "early":
            claiming.claim(session, member, key, now=world.now)
    tiering.settle(session, [member.id], now=world.now)
    session.flush()
