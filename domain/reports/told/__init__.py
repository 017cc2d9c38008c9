"""The reports, one file each; what the console shows under Reports."""

import pkgutil
from functools import lru_cache
from importlib import import_module

from domain.errors import NotFound
from domain.reports.told._shape import Page
from domain.wording import mark


@lru_cache
def all_pages() -> dict[str, Page]:
    """Every report by its key, in the order of the menu."""
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    found: list[Page] = [import_module(f"{__name__}.{name}").PAGE for name in names]
    return {page.key: page for page in sorted(found, key=lambda each: each.place)}


def page_named(key: str) -> Page:
    """Raises NotFound for a report there is not."""
    if key not in all_pages():
        raise NotFound(mark("There is no such report. Choose one from the list."))
    return all_pages()[key]
