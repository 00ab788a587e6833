"""Brokers: carry batches of ids, each at least once."""
