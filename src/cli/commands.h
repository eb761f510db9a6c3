/* The commands, in the order of the help. COMMAND(name, summary) */
COMMAND(render, "fill a Liquid template with JSON data")
COMMAND(message, "the messages: list, check, preview, render")
