"""What we remember: tables, row-only methods and named selects. Imports nothing else of ours."""
