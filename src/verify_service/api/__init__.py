"""The HTTP face: who may ask, what comes in, what goes out. Decisions are made in services, one layer down."""
