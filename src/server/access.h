// Who may ask: the head of a request against where the server listens.
#pragma once

#include <optional>
#include <string_view>

#include "server/http_message.h"
#include "server/settings.h"

namespace molgen3d {

/// True for 127.0.0.0/8 and ::1.
bool is_loopback(std::string_view address);

/// Why not, or nothing. On loopback the Host must be a loopback name, so that no name of somebody
/// else's that leads here lets a page of theirs in; a page of another origin is refused
/// everywhere. `work`: the path needs the token, if there is one; it is compared in a time that
/// does not depend on what was guessed.
std::optional<HttpAnswer> refuse_access(const HttpRequest& head, const ServerSettings& settings,
                                        bool work);

}  // namespace molgen3d
