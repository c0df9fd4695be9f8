"""Proposals to jobs: workflows, preview, journaled steps."""
