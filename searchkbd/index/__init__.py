"""The directory on disk: SQLite holds the truth, immutable FAISS files make it fast."""
