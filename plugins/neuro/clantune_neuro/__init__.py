"""Networks whose genome is a lineage of seeds, replayed to the same bits on every machine."""
