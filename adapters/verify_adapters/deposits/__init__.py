"""Bank deposits and wealth products, asked of many banks through one hub, which passes their returns on as they come."""
