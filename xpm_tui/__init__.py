"""xpm-tui joins Ignition to Xero Practice Manager: a console and a verb for every command."""

__version__ = "0.1.0"
VERSION_LINE = f"xpm-tui {__version__}"
"""What ``--version`` prints."""
