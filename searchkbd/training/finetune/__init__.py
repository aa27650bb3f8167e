"""Fine-tuning a sentence-transformers model on pairs of translations."""
