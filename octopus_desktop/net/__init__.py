"""Sockets, requests and clocks: the tools that every venue's client uses."""
