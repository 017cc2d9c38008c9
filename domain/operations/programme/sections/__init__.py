"""What a programme file may say: one file per section, each naming its table and what applying it takes.

A new field is a line in its section's file; a new section is a file here and a line in `whole.py`.
"""
