"""Binance spot and USD-M futures, and every venue that speaks the same dialect."""
