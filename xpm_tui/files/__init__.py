"""The one seam to the disk: private folders, durable writes, kernel locks and the clock."""
