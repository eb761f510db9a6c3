/* The commands, in the order of the help. COMMAND(name, summary) */
