"""What may change it: one verb a function, one transaction, one event."""
