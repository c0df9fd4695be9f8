"""The whole product in simulated time: application, sync and the wire over the sandbox, from one seed."""
