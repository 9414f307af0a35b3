"""Paper trading: the embedded matching engine on a venue's real market. docs/decisions/0005-paper-trading.md"""
