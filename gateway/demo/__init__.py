"""The main job shown on invented data: parties, goods, consignments and troubles.

The demo starts a customs simulator and a gateway as processes of their own, registers everybody,
hands in documents as the parties would, follows the changes, and compares in the end what the
authority's ledger holds with what the gateway accepted.
"""
