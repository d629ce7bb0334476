"""Everything the helpline does: Call, Safety screen, Insurance check, Referral, Callback, Reminder, Report."""
