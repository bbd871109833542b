// SIGINT and SIGTERM as a flag: long work finishes what it has and exits cleanly.
#pragma once

namespace molgen3d {

/// From now on the first SIGINT/SIGTERM only sets the flag; a second one ends the process, and so
/// does the first when interrupted() is not called within 0.9 s of it. With `again` false a second
/// one changes nothing: whoever sends signals to a whole job may send one to each of its processes.
void catch_interrupts(bool again = true);
/// What happens before that; async-signal-safe. Null: nothing.
void set_last_words(void (*last_words)());
bool interrupted();

}  // namespace molgen3d
