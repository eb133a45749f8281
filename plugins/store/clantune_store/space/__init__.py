"""Spaces: which parameters there are, of which kind, and the rules between them."""
