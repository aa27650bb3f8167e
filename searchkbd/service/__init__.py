"""An index that many ask at once while it changes."""
