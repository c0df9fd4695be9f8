"""Known trouble: cases, probes, the doctor, the support bundle."""
