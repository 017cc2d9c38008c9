"""Of everyone who bought anything in the first 60 days of a new product, those who bought it.

A product counts in the month in which its 60 days end; until then it is too early to tell. Which products are
new, and since when, the programme says (definitions §10).
"""

from datetime import date

from sqlalchemy import false, func, literal, select, union_all

from domain.metrics._goods import first_days, launches, sale_lines
from domain.metrics._people import counts
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.member import Member
from models.purchase import Purchase, PurchaseLine

FIRST_DAYS = 60


def rows(period: Period) -> Rows:
    known = launches(period.shelf).items()
    ended = [(sku, day) for sku, day in known if _is_of(first_days(day, FIRST_DAYS)[1], period)]
    if not ended:
        nobody = (literal(0).label("member_id"), literal("").label("part"), literal(0).label("hit"))
        return select(*nobody, literal(0).label("pending")).where(false())
    return select(union_all(*(_buyers(sku, day, period) for sku, day in ended)).subquery("launches"))


def _is_of(last: date, period: Period) -> bool:
    return period.month.first <= last <= period.month.last


def _buyers(sku: str, launched: date, period: Period) -> Rows:
    first, last = first_days(launched, FIRST_DAYS)
    lines = sale_lines(first, last, period).join(Member, Member.id == Purchase.member_id).where(counts())
    return lines.with_only_columns(
        Purchase.member_id.label("member_id"),
        literal(sku).label("part"),
        func.max(flag(PurchaseLine.sku == sku)).label("hit"),
        literal(int(last >= period.today)).label("pending"),
    ).group_by(Purchase.member_id)


METRIC = Metric(
    key="new_product_reach",
    place=25,
    title=mark("Reach of new products"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s buyers bought a new product in its first 60 days."),
    trust=mark("Nothing until the programme names what is new, under shelf; a product out of stock looks unwanted."),
    rows=rows,
    rests_on=("purchase",),
    parts=(),
)
