"""Pairs to train on: read from any source, filtered, split without leakage, mixed, described."""
