"""What a member can be given, one file per kind."""
