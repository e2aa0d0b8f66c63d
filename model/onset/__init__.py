"""When each cause begins and becomes an onset, learned from tests that come late and miss things."""
