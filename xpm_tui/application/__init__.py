"""Wires the ports together: the practice facade, connection, runner, schedule."""
