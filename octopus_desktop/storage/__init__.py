"""One SQLite file a profile: the order journal, what is projected from it, candles, balances, settings and the log.

Nothing is imported here: the first window reads its layout with `quick`, before SQLAlchemy is loaded.
"""
