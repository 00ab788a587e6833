"""The customs simulator: an authority that answers as strictly as the real one.

A process and a store of its own. It shares with the gateway what both must read alike (catalogue,
codec, signature verification) and nothing else: envelope, rules and ledger are written anew, so
that a mistake of the gateway does not hide behind the same mistake here.

    server      HTTP in            →  reception   one message: envelope, signature, verdicts
    reception   takes documents    →  life        what follows: 120, 800, 899, 399, 100
    life        makes entries      →  delivery    receipts out, until they are answered with 200
"""
