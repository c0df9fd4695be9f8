"""Services, job templates, proposals and jobs."""
