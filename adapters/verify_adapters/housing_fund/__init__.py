"""Housing provident fund accounts, from the read-only view of a front-end database that is refreshed once a month."""
