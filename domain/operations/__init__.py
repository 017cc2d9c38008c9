"""Verbs: what may happen. They alone write."""
