"""Models fitted to everyone's purchases: pure functions over arrays (definitions §9).

The one place that needs numpy and scipy; who serves pages does not import it.
"""
