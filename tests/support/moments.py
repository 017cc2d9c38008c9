"""The moment tests happen at, unless they say otherwise: a Tuesday noon in Taipei."""

from datetime import UTC, datetime

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
