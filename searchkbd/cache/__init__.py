"""The embedding cache: what was encoded once is not encoded again, in any later build."""
