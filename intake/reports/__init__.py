"""What supervisors read: queries that give frozen dataclasses. No requests, no pages."""
