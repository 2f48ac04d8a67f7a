"""One module per simulated register: what it has about a person, in its own protocol's terms."""
