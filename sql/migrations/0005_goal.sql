-- Goals reached, in the order of the ticks that saw them: who wants to be told of them is told (hook_out).
CREATE INDEX decision_goal ON decision (tick) WHERE verdict = 6 AND reason = 19;
