"""How far a judge agrees with a person."""
