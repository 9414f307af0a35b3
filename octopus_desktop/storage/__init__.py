"""One SQLite file a profile: the order journal, what is projected from it, the audit, candles, balances, settings, log.

Nothing is imported here: the first window reads its layout with `quick`, before SQLAlchemy is loaded.
"""
