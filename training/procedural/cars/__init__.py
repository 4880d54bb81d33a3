"""Cars by rules: a plan, then body, cabin and what is fixed to them."""
