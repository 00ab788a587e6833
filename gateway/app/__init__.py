"""The composition root: the one place that picks implementations and wires them together.

Its modules are apart so that a command loads no more than it needs.
"""
