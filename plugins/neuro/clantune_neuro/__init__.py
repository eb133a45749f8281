"""Networks whose genome is a lineage of seeds."""
