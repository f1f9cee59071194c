"""Define the customers, products, contracts and usage of the sandbox account."""
