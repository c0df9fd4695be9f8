"""Read and write Ignition's CSV forms, and plan what an import would change."""
