"""Sentences in and out of files: one module a format, and a report of what was rejected."""
