"""Whether someone spends more or less than before: the last 180 days against the 180 before them, in percent.

100 is as much as before. Nobody who spent nothing in the earlier half has one; one large order can make or
break it, so read it beside the number of purchase days.
"""

from sqlalchemy import BigInteger, ColumnElement, case, cast, literal

MOST = 10_000  # a hundredfold: beyond it the earlier half says nothing


def percent(now: ColumnElement[int], before: ColumnElement[int]) -> ColumnElement[int]:
    """Rounded half up, in whole numbers; NULL where nothing was spent before."""
    late, early = cast(now, BigInteger), cast(before, BigInteger)  # PostgreSQL would divide its sums into fractions
    halves = (200 * late + early) // (2 * early)
    return case((early <= 0, None), (late >= early * (MOST // 100), literal(MOST)), else_=halves)
