"""What someone is expected to bring in the next 12 months: expected purchases times what one is worth to them.

Each month counts 1 % less than the one before it, and of the revenue only the margin the brand has set; at 100 %
it is expected revenue. What was bought before is not in it. A is the top fifth of buyers, B the next three
tenths, C the rest; equals at an edge all go up (definitions §9).
"""

from domain.wording import mark

MONTHS = 12
MONTH_DAYS = 365 / MONTHS
MONTHLY = 1.01
# The share of buyers at or above a band's edge, in percent.
UP_TO = (("A", 20), ("B", 50))
REST = "C"
BANDS = {
    "A": mark("A: the top fifth"),
    "B": mark("B: the next three tenths"),
    "C": mark("C: the rest"),
}
