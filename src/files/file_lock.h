// A file that one process at a time may write.
#pragma once

#include <filesystem>

namespace molgen3d {

/// Opens or creates `path` with `flags` (O_WRONLY or O_RDWR, and O_APPEND) and locks it for this
/// process; closing the descriptor unlocks it, and so does the end of the process. Throws Error
/// when it is no regular file, cannot be opened, or another process holds the lock. File systems
/// without locks are taken as they are.
int open_locked(const std::filesystem::path& path, int flags);

/// True when `path` still names the file of `descriptor`.
bool names_file(const std::filesystem::path& path, int descriptor);

/// fsync(); true also where the file system has no such thing.
bool sync_to_disk(int descriptor);

}  // namespace molgen3d
