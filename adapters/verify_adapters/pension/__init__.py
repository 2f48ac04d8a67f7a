"""Social insurance, asked of the human-resources register by the DCI registry search: contributions and benefits."""
