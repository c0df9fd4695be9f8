"""Reading and writing Ignition's CSV forms, and planning what an import would change."""
