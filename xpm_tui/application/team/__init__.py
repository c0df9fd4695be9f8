"""The team and XPM's staff: who is who, who names whom, and the person who connected."""
