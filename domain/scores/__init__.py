"""Numbers per member, one file per score; expressions over the purchase and action figures of a day."""
