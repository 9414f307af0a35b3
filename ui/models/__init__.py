"""Qt table models over the state, and the table that shows them."""
