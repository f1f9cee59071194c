"""The scenario: who the customers are, what is sold to them, what they signed and used."""
