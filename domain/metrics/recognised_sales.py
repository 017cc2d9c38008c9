"""Of the net amount of the month's qualified orders, what was bought by somebody we know.

The recognition rate by amount: it is above the one by count when the people we know buy more (definitions §10).
"""

from domain.metrics import recognition_rate
from domain.metrics._shape import Metric, first_paragraph
from domain.wording import mark

METRIC = Metric(
    key="recognised_sales",
    place=51,
    title=mark("Recognised sales"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s was bought by somebody we know."),
    trust=mark("Only as complete as what is sent to us: sales that no till reports are missing on both sides."),
    rows=recognition_rate.rows,
    rests_on=("purchase",),
    exact=True,
    unit="money",
)
