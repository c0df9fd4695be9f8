"""Access to the disk: private folders, durable writes, locks and the clock."""
