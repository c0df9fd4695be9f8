"""Deploys proposals as jobs: workflows, previews and the steps of creating a job."""
