"""The doctor's patient: probes wired to this machine, the support bundle, and repair from outside."""
