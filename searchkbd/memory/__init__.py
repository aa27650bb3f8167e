"""Translation memory: what was translated before that is like this segment."""
