"""Reconciliation: receipt bytes are stored first, then read and matched.

They are matched by business key and version, and the state of each document is computed anew
from all its entries.
"""

from gateway.reconciliation.applying import Applying
from gateway.reconciliation.receiving import Receiving

__all__ = ["Applying", "Receiving"]
