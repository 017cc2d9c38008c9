"""How likely someone is to be lost: 1 minus the probability that they buy within the next 90 days.

Low risk is a probability to buy of 50 % or more, high risk one of less than 20 %; who bought for the first time
within the last 30 days is too new to tell. Where no model can be trusted, only how long ago the last purchase
was is shown (definitions §9).
"""

from domain.wording import mark

DAYS = 90
LOW_FROM, HIGH_BELOW = 0.5, 0.2
NEW_DAYS = 30
BANDS = {
    "low": mark("Low risk"),
    "middle": mark("Middle risk"),
    "high": mark("High risk"),
    "too_new": mark("Too new to tell"),
}
# At most so many days since the last purchase; the last catches the rest.
RECENCY_DAYS = (("recent_30", 30), ("recent_90", 90), ("recent_180", 180))
OLDER = "older"
RECENCY_BANDS = {
    "recent_30": mark("Bought in the last 30 days"),
    "recent_90": mark("Bought 31–90 days ago"),
    "recent_180": mark("Bought 91–180 days ago"),
    "older": mark("Bought more than 180 days ago"),
}
NEVER = "never"
ALL_BANDS = {**BANDS, **RECENCY_BANDS, NEVER: mark("Never bought")}
