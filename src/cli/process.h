// What the program asks of the system before it does anything, and what it owes at its end.
#pragma once

namespace molgen3d {

/// Standard streams that came closed are opened, so that no file of ours gets their numbers and no
/// message lands in it: reading from or writing to a closed standard input or output is an error,
/// messages are lost. A closed pipe and a file that may not grow further become errors of writing;
/// a mapped file that loses bytes under its reader ends the program with a message.
void prepare_process();

/// Hands what was printed to the system. False, after a message, when it could not be written.
bool finish_standard_output();

}  // namespace molgen3d
