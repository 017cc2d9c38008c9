"""Numbers over members, one file per metric; its docstring is the definition.

A file of this folder with a METRIC in it is a metric: it appears in the review, in `flask metrics`
and in every month closed from then on.
"""

import pkgutil
from functools import lru_cache
from importlib import import_module

from domain.metrics._shape import Metric


@lru_cache
def all_metrics() -> dict[str, Metric]:
    """Every metric by its key, in the order of the review."""
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    found: list[Metric] = [import_module(f"{__name__}.{name}").METRIC for name in names]
    return {metric.key: metric for metric in sorted(found, key=lambda each: each.place)}
