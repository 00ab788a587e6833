"""Authorities: wrap and unwrap, as pure functions."""
