"""What officers do to an issued report: each act claims the verification, makes one version, and lets go."""
