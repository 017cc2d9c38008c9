"""Of the net amount of the month's goods, what was sold as part of a bundle.

Which skus or categories are bundles, and which lines are no goods (shipping, bags), the programme says. It is a
share of money, so it opens into the people who bought (definitions §10).
"""

from sqlalchemy import false, literal

from domain.metrics._goods import is_any_of, is_goods, net_of_line, sale_lines
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.purchase import Purchase


def rows(period: Period) -> Rows:
    bundles = list(period.shelf.get("bundles", []))
    lines = sale_lines(period.month.first, period.month.last, period).where(is_goods(period.shelf))
    if not bundles:  # not named is not known, which is not nought
        lines = lines.where(false())
    return lines.with_only_columns(
        Purchase.member_id.label("member_id"),
        literal("").label("part"),
        flag(is_any_of(bundles)).label("hit"),
        literal(0).label("pending"),
        net_of_line().label("weight"),
    )


METRIC = Metric(
    key="bundle_share",
    place=24,
    title=mark("Bundles"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s came from bundles."),
    trust=mark("Nothing until the programme names its bundles, under shelf."),
    rows=rows,
    rests_on=("purchase",),
    exact=True,
    unit="money",
)
