"""The one reader of the outbox."""
