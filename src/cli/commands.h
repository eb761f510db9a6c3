/* The commands, in the order of the help. COMMAND(name, summary) */
COMMAND(init, "makes the database of a shop")
COMMAND(import, "facts in: orders, customers, products, carts, consents, events from CSV or JSON")
COMMAND(lifecycle, "how many customers stand in which phase, as of any day")
COMMAND(segment, "who a condition names: counted, listed, saved")
COMMAND(replay, "run the plans over the shop's history: who would have got what, when and why")
COMMAND(check, "verifies a database")
COMMAND(backup, "writes a database into one file, while it is used")
COMMAND(restore, "puts a backup in place")
