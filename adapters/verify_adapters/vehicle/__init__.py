"""Motor vehicles from the traffic administration: one signed REST/JSON call for up to fifty people."""
