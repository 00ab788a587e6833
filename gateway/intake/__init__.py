"""Intake: a submitted record becomes a durable, valid document that will be declared."""

from gateway.intake.service import Intake

__all__ = ["Intake"]
