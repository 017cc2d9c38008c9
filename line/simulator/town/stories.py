"""What happened in the town, and when: the stories the Review is there to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

SEED = "camellia"
DAYS = 913  # two and a half years
CLOSES_ON = 9  # a month closes on this day of the next one

# Since then the ware lovers of Tainan come ever less often, and answer less.
DRIFT_DAYS = 120
DRIFTING_PACE = 0.12

# A card stamped twice in one visit month brought many more people back within 90 days.
RISE_PACE = 1.9

# The button of the rich menu lost its link four days ago: nobody presses it any more.
SILENT_KIND, SILENT_DAYS = "postback", 4
# For three days in the last closed month the mini-app told nobody that it was opened.
PAUSED_KIND, PAUSED_FROM, PAUSED_DAYS = "opened_app", 17, 3

TASTING, POP_UP = "winter-tasting", "station-pop-up"
# The message on which tea lovers and everyone else differ clearly.
CLEAR_GAP = "new-high-mountain-oolong"


@dataclass(frozen=True)
class Months:
    """The town's time, counted back from the day it ends (that day itself is not part of it)."""

    until: date

    @property
    def start(self) -> date:
        return self.until - timedelta(days=DAYS)

    @property
    def last(self) -> date:
        """The last day anything happened."""
        return self.until - timedelta(days=1)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.until, time.min)

    @property
    def last_closed(self) -> date:
        """The first day of the latest month that can be closed by the end."""
        back = 1 if self.until.day >= CLOSES_ON else 2
        return plus_months(self.until.replace(day=1), -back)

    @property
    def rise(self) -> date:
        """The month whose buyers came back more: its repurchase rate stands in the review three months later."""
        return plus_months(self.last_closed, -5)

    @property
    def drift_from(self) -> datetime:
        return self.end - timedelta(days=DRIFT_DAYS)

    def is_silent(self, kind: str, day: date) -> bool:
        """Whether nothing of this kind was recorded on that day."""
        paused = self.last_closed.replace(day=PAUSED_FROM)
        return (kind == SILENT_KIND and day >= self.until - timedelta(days=SILENT_DAYS)) or (
            kind == PAUSED_KIND and paused <= day < paused + timedelta(days=PAUSED_DAYS)
        )

    def all(self) -> list[date]:
        """The first day of each month, oldest first."""
        months, month = [], self.start.replace(day=1)
        while month < self.until:
            months.append(month)
            month = plus_months(month, 1)
        return months


def plus_months(month: date, n: int) -> date:
    index = month.year * 12 + month.month - 1 + n
    return date(index // 12, index % 12 + 1, 1)


def season(day: date) -> float:
    """How much is bought in a month of the year, 1 being usual: gifts for the moon festival and the new year."""
    return (1.3, 1.1, 0.9, 0.95, 1.0, 0.95, 0.85, 0.9, 1.25, 1.0, 1.1, 1.3)[day.month - 1]
