"""Securities totals of the central depository: a batch file handed in for a ticket, fetched when it is ready."""
