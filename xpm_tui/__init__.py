"""xpm-tui joins Ignition to Xero Practice Manager: a console and a verb for every act."""

__version__ = "0.1.0"
