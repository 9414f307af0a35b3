"""Order types that are held and worked here. One file for each kind, `work` is what they share, `desk` runs them."""
