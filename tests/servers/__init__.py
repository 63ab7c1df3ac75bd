"""Servers that tests talk to, each started in its own process on a free loopback port and stopped afterwards."""
