/* The commands, in the order of the help. COMMAND(name, summary) */
COMMAND(evaluate, "recommendation methods measured beside simple ones on past baskets")
COMMAND(itemsets, "frequent itemsets of baskets: all, closed or maximal, with exact counts")
COMMAND(rules, "what sells with what: association rules with exact tests")
