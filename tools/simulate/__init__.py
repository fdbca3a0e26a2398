"""KeyFrame on paper: how long videos wait, what they need and what they cost, from 100 to 1,000,000 a day."""
