"""Of the members who answered a satisfaction survey in the month, those who were satisfied: 4 or 5 of five.

Of several answers of a member to one survey the latest counts (definitions §10).
"""

from sqlalchemy import literal, select

from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.metrics._surveys import latest_answers
from domain.wording import mark

SATISFIED = 4


def rows(period: Period) -> Rows:
    given = latest_answers(["csat"], since=period.start, until=period.last_moment).subquery("given")
    is_satisfied = flag(given.c.score >= SATISFIED)
    return select(given.c.member_id, given.c.part, is_satisfied.label("hit"), literal(0).label("pending"))


METRIC = Metric(
    key="csat",
    place=41,
    title=mark("Satisfied"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s members who answered were satisfied: 4 or 5 of five."),
    trust=mark("Whoever answers is not everyone: the very pleased and the very angry answer more than others."),
    rows=rows,
    rests_on=("answered",),
)
