"""Writing what an index holds to files that other programs, and ``build``, read."""
