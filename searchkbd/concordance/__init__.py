"""The concordance: every place where words, parts of words or phrases stand, with translations."""
