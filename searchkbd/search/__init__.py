"""The query layer: semantic, lexical and fused search over an open index."""
