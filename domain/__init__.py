"""What may happen, and what things mean. Knows no web framework, no LINE, and never commits."""
