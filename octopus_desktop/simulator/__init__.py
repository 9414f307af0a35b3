"""The embedded exchange: matching, accounts and a living market, served in the Binance spot dialect."""
