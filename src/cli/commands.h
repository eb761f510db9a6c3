/* The commands, in the order of the help. COMMAND(name, summary) */
COMMAND(plan, "check plan files, show one as a timeline, say what changed between two")
COMMAND(replay, "run the plans over the shop's history: who would have got what, when and why")
