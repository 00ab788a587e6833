"""The open cross-border single-window gateway."""

__version__ = "0.1.0"
