"""Known problems, probes, findings and the support bundle."""
