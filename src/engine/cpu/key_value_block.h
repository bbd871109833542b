// A token's key and value enter their page's block (layouts in kernels.h: Attention).
#pragma once

#include <cstring>

#include "engine/cpu/kernels.h"

namespace molgen3d::cpu {

/// key [dim] of token `t` of the page into a head's block.
template <typename T>
void put_key(T* block, size_t dim, size_t t, const T* key) {
  for (size_t i = 0; i < dim; i += 2) {
    if constexpr (sizeof(T) == 2) {
      std::memcpy(block + (i / 2 * kBlock + t) * 2, key + i, 2 * sizeof(T));
    } else {
      block[i * kBlock + t] = key[i];
      block[(i + 1) * kBlock + t] = key[i + 1];
    }
  }
}

/// value [dim] of token `t` of the page into the same block.
template <typename T>
void put_value(T* block, size_t dim, size_t t, const T* value) {
  T* values = block + kBlock * dim;
  // Values are read in pairs of tokens: the second of a pair must be finite before it exists.
  const bool pad = t % 2 == 0;
  for (size_t i = 0; i < dim; ++i) {
    if constexpr (sizeof(T) == 2) {
      values[(t / 2 * dim + i) * 2 + t % 2] = value[i];
      if (pad) values[(t / 2 * dim + i) * 2 + 1] = 0;
    } else {
      values[t * dim + i] = value[i];
      if (pad) values[(t + 1) * dim + i] = 0;
    }
  }
}

}  // namespace molgen3d::cpu
