"""The review as scripts read it: what `flask metrics YYYY-MM --json` prints. Shares are fractions of 1."""

from typing import Any

from domain.metrics._intervals import Difference
from domain.metrics._shape import Figure, Metric
from domain.reports.judging import against_rest, change, gap, interval, strength
from domain.reports.monthly_review import Entry, Review

Json = dict[str, Any]


def as_json(review: Review) -> Json:
    return {
        "month": str(review.month),
        "closed": review.is_closed,
        "closed_late": review.closed_late,
        "as_of": review.as_of.isoformat(),
        "arrived_late": review.arrived_late,
        "metrics": {entry.metric.key: _metric(entry) for entry in review.entries},
    }


def _metric(entry: Entry) -> Json:
    made = _figure(entry.metric, entry.figure, entry.before)
    if entry.metric.parts is not None:
        made.setdefault("parts", {})
    made["silent_events"] = [silence.kind for silence in entry.doubts]
    made["definition"] = entry.definition
    return made


def _figure(metric: Metric, figure: Figure, before: Figure | None) -> Json:
    bounds = interval(figure, exact=metric.exact)
    moved = change(figure, before, exact=metric.exact)
    made: Json = {
        "numerator": figure.who,
        "denominator": figure.of,
        "value": figure.value,
        "low": bounds.low if bounds else None,
        "high": bounds.high if bounds else None,
        "strength": strength(figure, exact=metric.exact),
        "previous": before.value if before else None,
        "previous_numerator": before.who if before else None,
        "previous_denominator": before.of if before else None,
        "trend": moved.trend if moved else None,
        "change": moved.value if moved else None,
        "change_low": moved.interval.low if moved and moved.interval else None,
        "change_high": moved.interval.high if moved and moved.interval else None,
        **figure.asides,
    }
    if figure.name:
        made["name"] = figure.name
    if "anonymous" in figure.asides:
        heads = figure.of + figure.asides["anonymous"]
        made["value_of_all_heads"] = figure.who / heads if heads else None
    if figure.parts:
        made["parts"] = {key: _part(metric, key, figure, before) for key in figure.parts}
    return made


def _part(metric: Metric, key: str, whole: Figure, before: Figure | None) -> Json:
    part = whole.parts[key]
    made = _figure(metric, part, before.parts.get(key) if before else None)
    if metric.split:
        _add_comparisons(made, part)
    return made


def _add_comparisons(made: Json, message: Figure) -> None:
    """A message's gap, and each of its segments against the rest."""
    widest = gap(message)
    made["gap"] = widest and {
        "highest": widest.highest,
        "lowest": widest.lowest,
        "is_clear": widest.is_clear,
        **_difference(widest.difference),
    }
    for key, compared in against_rest(message).items():
        made["parts"][key]["against_rest"] = {"is_flagged": compared.is_flagged, **_difference(compared.difference)}


def _difference(difference: Difference) -> Json:
    return {"value": difference.value, "low": difference.interval.low, "high": difference.interval.high}
