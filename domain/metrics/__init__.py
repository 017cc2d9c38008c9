"""Numbers over members, one file per metric; its docstring is the definition.

A file of this folder with a METRIC in it is a metric. Those of the member journey (place below 10) appear in
the Review, in `flask metrics` and in every month closed from then on; the others are rates, which Reports shows.
"""

import pkgutil
from functools import lru_cache
from importlib import import_module

from domain.metrics._shape import Metric


@lru_cache
def _found() -> dict[str, Metric]:
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    found: list[Metric] = [import_module(f"{__name__}.{name}").METRIC for name in names]
    return {metric.key: metric for metric in sorted(found, key=lambda each: each.place)}


@lru_cache
def all_metrics() -> dict[str, Metric]:
    """Every metric of the journey by its key, in the order of the review."""
    return {key: metric for key, metric in _found().items() if not metric.is_rate}


@lru_cache
def rates() -> dict[str, Metric]:
    """Every other metric by its key, in the order of the report."""
    return {key: metric for key, metric in _found().items() if metric.is_rate}
