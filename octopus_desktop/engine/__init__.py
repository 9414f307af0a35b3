"""What a trading engine does between a venue and a screen: orders, risk, reconciliation, subscriptions, history."""
