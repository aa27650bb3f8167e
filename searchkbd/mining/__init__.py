"""Making and cleaning pairs of translations: scoring, mining and removing near duplicates."""
