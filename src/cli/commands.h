/* The commands, in the order of the help. COMMAND(name, summary) */
COMMAND(replay, "run the plans over the shop's history: who would have got what, when and why")
COMMAND(lifecycle, "how many customers stand in which phase, as of any day")
COMMAND(segment, "who a condition names: counted, listed, saved")
