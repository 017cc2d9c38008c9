"""Of the members who did something with us three months ago (an action of their own, a visit or a
purchase), those who came back on a later day within 90 days, in any of these ways.

Its two halves are cohorts of their own: engaging again (an own action, then another on a later day)
and visiting again (in the store, then again on a later day). Receiving a message is no action, and
return is not repurchase (definitions §4.4).
"""

from sqlalchemy import select, union_all

from domain.metrics._cohort import came_back, own_action_days, purchase_days, visit_days
from domain.metrics._shape import Metric, Period, Rows, first_paragraph
from domain.wording import mark


def rows(period: Period) -> Rows:
    # Read once each, though two cohorts look at them.
    own = own_action_days(period).cte("own")
    visits = union_all(*visit_days(period)).cte("visits")
    anything = union_all(select(own), select(visits), purchase_days(period)).cte("anything")
    cohorts = union_all(
        came_back(anything, period, "any"),
        came_back(own, period, "re_engage"),
        came_back(visits, period, "revisit"),
    ).subquery("cohorts")
    return select(cohorts)


METRIC = Metric(
    key="return",
    place=4,
    title=mark("Return"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s members who were with us in %(base)s came back within 90 days."),
    rows=rows,
    rests_on=("clicked", "postback", "opened_app", "visited"),
    parts=("re_engage", "revisit"),
    whole="any",
)
