/* The commands, in the order of the help. COMMAND(name, summary) */
COMMAND(itemsets, "frequent itemsets of baskets: all, closed or maximal, with exact counts")
