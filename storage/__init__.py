"""Ground floor: records, the store, clones and caches on disk."""
