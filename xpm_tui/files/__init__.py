"""The one seam to the disk: private folders, atomic replace, fsync, locks."""
