"""Of the members who bought something three months ago, those who bought again on a later day within 90
days of their first purchase day of that month.

Orders of the same day are one purchase; an order refunded in full was never one, on either side; the
90th day counts and the 91st does not (definitions §4.4).
"""

from domain.metrics._cohort import came_back, purchase_days
from domain.metrics._shape import Metric, Period, Rows, first_paragraph
from domain.wording import mark


def rows(period: Period) -> Rows:
    return came_back(purchase_days(period).cte("orders"), period, "")


METRIC = Metric(
    key="repurchase",
    place=5,
    title=mark("Repurchase"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s members who bought in %(base)s bought again within 90 days."),
    rows=rows,
    rests_on=("purchase",),
)
