"""Matching: when the documents of a consignment are in and agree, its inventory is declared."""

from gateway.matching.arrivals import Arrivals
from gateway.matching.lateness import Lateness
from gateway.matching.matching import Matching
from gateway.matching.reconsidering import Reconsidering

__all__ = ["Arrivals", "Lateness", "Matching", "Reconsidering"]
