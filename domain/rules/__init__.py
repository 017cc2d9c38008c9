"""Sentences about members that are also queries, one file per condition."""
