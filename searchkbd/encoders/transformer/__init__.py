"""Models of sentence-transformers as encoders: found, described, fetched and run."""
