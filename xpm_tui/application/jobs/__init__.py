"""Services, job templates, proposals and jobs: from what was sold to what is deployed."""
