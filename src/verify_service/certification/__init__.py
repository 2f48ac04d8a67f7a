"""Judge a source: run its adapter with cases against an endpoint, also behind a misbehaving one, and say line by line what holds."""
