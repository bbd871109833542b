// What a server grants and where it listens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace molgen3d {

/// What one request may ask for, and how many there may be. Beyond: an answer that says so.
struct ServerLimits {
  size_t body_bytes = size_t{8} << 20;
  size_t molecules = 10000;               ///< of a request
  size_t prompts = 1000;                  ///< of a request for completions
  size_t collected = 10000;               ///< samples of an answer that is held until it is whole
  uint32_t samples = 1000;                ///< of a molecule or prompt
  uint32_t embedded_samples = 50;         ///< ETKDG conformers of a request
  size_t embedding_workers = 2;           ///< processes for ETKDG
  double embedding_seconds = 30;          ///< for one request; then it is killed
  size_t atoms = 256;                     ///< heavy atoms of a molecule
  size_t requests = 256;                  ///< accepted and not finished; further ones get 429
  double request_seconds = 600;           ///< from acceptance to the last byte
  size_t connections = 4096;              ///< further ones are closed at once
  size_t unsent_bytes = size_t{1} << 20;  ///< of one answer; a slow reader's samples wait for it
  double idle_seconds = 60;   ///< a connection without a request, or one that is slow to send one
  double write_seconds = 30;  ///< without a byte taken by the reader
};

struct ServerSettings {
  std::string address = "127.0.0.1";  ///< numeric; another than loopback needs a token
  uint16_t port = 8000;               ///< 0: any free one
  std::string token;   ///< `Authorization: Bearer TOKEN` of every request for work; empty: none
  size_t workers = 0;  ///< threads that read molecules and write records; 0: one per core
  ServerLimits limits{};
};

}  // namespace molgen3d
