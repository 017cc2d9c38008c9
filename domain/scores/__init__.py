"""Numbers per member, one file per score."""
