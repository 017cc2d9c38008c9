"""How likely a first buyer is to buy again within 90 days, judged by the first order alone.

A logistic regression on amount, category, channel, store, weekday, season, how they found us and how long they had
been registered, fitted to first buyers whose 90 days have passed. The latest months are held back: on them its
probabilities are set right and its worth is measured. Unusual firsts, and what was never tried, it cannot know.
"""

from domain.wording import mark

DAYS = 90
# Against the share of all first buyers who came back.
LIKELY_FROM, UNLIKELY_BELOW = 1.3, 0.7
BANDS = {
    "likely": mark("More likely than most"),
    "usual": mark("As likely as most"),
    "unlikely": mark("Less likely than most"),
}


def band(probability: float, usual: float) -> str:
    """`usual`: the share of first buyers who came back, in the months held back."""
    if probability >= usual * LIKELY_FROM:
        return "likely"
    return "unlikely" if probability < usual * UNLIKELY_BELOW else "usual"
