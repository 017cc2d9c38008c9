"""What LINE sends is stored before it is answered, and only what LINE signed."""
