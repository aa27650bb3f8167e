"""The HTTP API: what the command line's ``--json`` gives, batches, embeddings, writes."""
