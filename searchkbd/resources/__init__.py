"""Data that ships with the package, by path."""

from pathlib import Path

RESOURCES = Path(__file__).parent
PHRASEBOOK = RESOURCES / "phrasebook.tsv"
"""Sentences in all five languages, written for this project; see the head of the file."""
