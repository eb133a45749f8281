"""A small program with knobs, and a minute of breeding for it."""
