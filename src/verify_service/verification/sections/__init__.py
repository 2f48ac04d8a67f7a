"""The sections of a report, each from the merged picture to the plain dictionaries of domain.report."""
