"""The review as sentences a person would say, in their language: the answer, what moved, and how sure we are."""

from datetime import date

from babel.dates import format_skeleton

from domain.calendar import Month
from domain.metrics._shape import Figure, Metric
from domain.reports.judging import AgainstRest, Change, Gap, interval, strength
from domain.reports.monthly_review import Entry
from domain.wording import locale_of, mark, say

# What parts are called that are not named by someone's campaign.
PARTS = {
    "booking": mark("Booking"),
    "coupon_claim": mark("Coupon claim"),
    "form": mark("Form"),
    "registration": mark("Registration"),
    "check_in": mark("Check-in"),
    "order": mark("Order"),
    "other": mark("Other"),
    "re_engage": mark("Engaged again"),
    "revisit": mark("Visited again"),
}
# Kinds of event whose silence puts a number in doubt.
KINDS = {
    "followed": mark("new friends"),
    "unfollowed": mark("blocks"),
    "clicked": mark("taps on links"),
    "postback": mark("presses of buttons"),
    "texted": mark("texts from friends"),
    "opened_app": mark("openings of the mini-app"),
    "conversion_started": mark("key actions begun"),
    "conversion_completed": mark("key actions finished"),
    "visited": mark("visits"),
    "participated": mark("parts taken in campaigns"),
    "tagged": mark("tags given"),
    "enrolled": mark("follow-ups entered"),
    "coupon_claimed": mark("coupons claimed"),
    "coupon_redeemed": mark("coupons used"),
    "browsed": mark("products looked at"),
    "carted": mark("products put in carts"),
    "purchase": mark("orders"),
}
ASIDES = {
    "pending": mark("too early to tell"),
    "late": mark("finished late"),
    "implied": mark("finished without a start on record"),
    "tagged": mark("were tagged"),
    "enrolled": mark("entered a follow-up"),
    "lost_by_block": mark("were lost because they blocked us"),
    "without_own_tag": mark("stayed without counting the campaign's own tag"),
    "anonymous": mark("more took part whom we do not know"),
}


def month_words(month: Month, language: str) -> str:
    """March 2026, 2026年3月."""
    return str(format_skeleton("yMMMM", date(month.year, month.number, 1), locale=locale_of(language)))


def short_month(month: Month, language: str) -> str:
    return str(format_skeleton("MMM", date(month.year, month.number, 1), locale=locale_of(language)))


def percent(value: float) -> str:
    return f"{value * 100:.1f}%"


def points(value: float) -> str:
    return f"{value * 100:.1f}"


def answer(entry: Entry, month: Month, language: str) -> str:
    """The figure as a sentence."""
    figure = entry.figure
    if figure.of == 0:
        return say(language, "There was nothing to count in %(month)s.", month=month_words(month, language))
    base = month_words(month.plus(-3), language)
    fields = {"who": f"{figure.who:,}", "of": f"{figure.of:,}", "base": base}
    # Every sentence takes from these what it needs.
    return say(language, entry.metric.sentence, **fields)


def movement(entry: Entry, month: Month, language: str) -> str:
    """Against the month before, in points; said to be unclear when it is."""
    before = month_words(month.plus(-1), language)
    if entry.figure.of == 0:
        return ""
    if entry.before is None or entry.before.of == 0:
        return say(language, "There is nothing to compare with in %(month)s.", month=before)
    return change_words(entry.change, before, language)


def change_words(change: Change | None, before: str, language: str) -> str:
    """What moved, or that there are too few to tell."""
    if change is None:
        return say(language, "These are too few to compare with %(month)s.", month=before)
    return _moved(change, before, language)


def _moved(change: Change, before: str, language: str) -> str:
    size = points(abs(change.value))
    if change.trend == "flat":
        return say(language, "As good as unchanged from %(month)s.", month=before)
    if change.trend == "no clear change" and change.interval:
        return say(
            language, "No clear change from %(month)s: it may be anything from %(low)s points less to %(high)s more.",
            month=before, low=points(-change.interval.low), high=points(change.interval.high),
        )  # fmt: skip
    if change.interval is None:
        more, fewer = (
            mark("%(points)s points more than in %(month)s."),
            mark("%(points)s points less than in %(month)s."),
        )
    else:
        more = mark("%(points)s points more than in %(month)s. A clear change.")
        fewer = mark("%(points)s points less than in %(month)s. A clear change.")
    return say(language, more if change.trend == "up" else fewer, points=size, month=before)


def shown(figure: Figure, *, exact: bool = False) -> str:
    """The share as it may be shown: a percentage, or nothing when there are too few."""
    return percent(figure.who / figure.of) if strength(figure, exact=exact) in {"grey", "full"} else ""


def of_whom(figure: Figure, language: str) -> str:
    if figure.of == 0:
        return say(language, "no data")
    return say(language, "%(who)s of %(of)s", who=f"{figure.who:,}", of=f"{figure.of:,}")


def between(figure: Figure, language: str, *, exact: bool = False) -> str:
    """The interval in words; empty where everyone was counted, or too few to say."""
    bounds = interval(figure, exact=exact)
    if bounds is None or strength(figure) in {"none", "few"}:
        return ""
    low, high = f"{bounds.low * 100:.0f}", f"{bounds.high * 100:.0f}"
    return say(language, "between %(low)s and %(high)s", low=low, high=high)


def part_name(key: str, figure: Figure, language: str) -> str:
    return figure.name or (say(language, PARTS[key]) if key in PARTS else key)


def asides(figure: Figure, language: str) -> list[str]:
    """What is counted beside the figure, as short phrases; zeros are left out."""
    phrases = [f"{count:,} {say(language, ASIDES[name])}" for name, count in figure.asides.items() if count]
    heads = figure.of + figure.asides.get("anonymous", 0)
    if figure.of and heads > figure.of:
        share = percent(figure.who / heads)
        phrases.append(say(language, "that is %(share)s of all %(heads)s heads", share=share, heads=f"{heads:,}"))
    return phrases


def gap_words(found: Gap | None, message: Figure, language: str) -> str:
    """How far the segments of a message lie apart."""
    if found is None:
        return say(language, "Too few people in at least two segments to compare them.")
    names = {
        "high": part_name(found.highest, message.parts[found.highest], language),
        "low": part_name(found.lowest, message.parts[found.lowest], language),
    }
    if not found.is_clear:
        return say(language, "No clear gap between its segments.")
    return say(
        language, "%(points)s points between %(high)s and %(low)s.", points=points(found.difference.value), **names
    )


def rest_words(compared: AgainstRest | None, language: str) -> str:
    """A segment against everyone else the message reached; said only when it is clear."""
    if compared is None or not compared.is_flagged:
        return ""
    more, fewer = mark("%(points)s points above the rest"), mark("%(points)s points below the rest")
    value = compared.difference.value
    return say(language, more if value > 0 else fewer, points=points(abs(value)))


def metric_named(metric: Metric, language: str) -> str:
    return say(language, metric.title)
