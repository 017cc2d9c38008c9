"""Numbers over members, one file per metric; its docstring is the definition."""
