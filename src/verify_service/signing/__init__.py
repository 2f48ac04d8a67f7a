"""Keys, canonical bytes, signing and verification of reports. What is signed and why: docs/decisions/0007."""
