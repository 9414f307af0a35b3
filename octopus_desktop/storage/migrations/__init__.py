"""How a data file of any earlier version becomes one of this. Run by `upgrade`, never by hand."""
