/* The commands, in the order of the help. COMMAND(name, summary) */
COMMAND(import, "facts in: orders, customers, products, carts, consents, events from CSV or JSON")
