"""Team members and XPM staff: links, queries and members."""
