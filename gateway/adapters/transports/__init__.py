"""Transports: move bytes to an authority."""
