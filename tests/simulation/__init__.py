"""The whole engine in simulated time: service, sync and the real wire over the sandbox, under one seed."""
