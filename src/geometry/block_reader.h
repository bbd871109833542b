// Follows the tokens of an answer and tells the position of each atom when its block closes.
#pragma once

#include "geometry/position.h"
#include "geometry/token_text.h"

namespace molgen3d::geometry {

/// Where the reader stands, between two tokens.
struct ReaderState {
  int32_t inside = 0;      ///< of a block `<x,y,z>`
  int32_t axis = 0;        ///< of the number being written
  int32_t negative = 0;    ///< it has begun with `-`
  int32_t sign_known = 0;  ///< it can not become negative any more
  int32_t integer_digits = 0;
  int32_t decimals = -1;         ///< digits after the dot, -1 before it
  int32_t digits = 0;            ///< all of them as one number
  int32_t value[3] = {0, 0, 0};  ///< finished ones, units of 1e-4 A
};

/// Digits `digits` with `decimals` (-1: no dot) after the dot, in units.
MOLGEN3D_HOST_DEVICE inline int32_t units_of(int32_t digits, int decimals) {
  for (int i = decimals < 0 ? 0 : decimals; i < 4; ++i) digits *= 10;
  return digits;
}

MOLGEN3D_HOST_DEVICE inline void begin_number(ReaderState& s, int axis, int sign_known) {
  s.axis = axis;
  s.negative = 0;
  s.sign_known = sign_known;
  s.integer_digits = 0;
  s.decimals = -1;
  s.digits = 0;
}

/// What a token did.
struct ReadEvents {
  bool closed = false;   ///< a block of three numbers ended: `value` holds its position
  bool z_begun = false;  ///< the token holds the comma before the third number
};

/// Takes one token. The text is that of an exact constraint: only its order is not checked.
MOLGEN3D_HOST_DEVICE inline ReadEvents read_token(ReaderState& s, TokenText text,
                                                  const NumberText& numbers) {
  ReadEvents events;
  const int length = text_length(text);
  for (int i = 0; i < length; ++i) {
    const int c = character(text, i);
    if (c == kOpen) {
      s.inside = 1;
      begin_number(s, 0, 0);
    } else if (!s.inside) {
      continue;
    } else if (c < 10) {
      s.digits = s.digits * 10 + c;
      s.sign_known = 1;
      ++(s.decimals < 0 ? s.integer_digits : s.decimals);
    } else if (c == kDot) {
      s.decimals = 0;
    } else if (c == kMinus) {
      s.negative = 1;
      s.sign_known = 1;
    } else {
      const int32_t value = units_of(s.digits, s.decimals);
      if (s.axis < 3) s.value[s.axis] = s.negative ? -value : value;
      if (c == kComma) {
        events.z_begun = events.z_begun || s.axis == 1;
        begin_number(s, s.axis + 1, 0);
      } else {
        events.closed = s.axis == 2;
        s.inside = 0;
      }
    }
  }
  // The sign is written with the separator where the tokenizer joins them.
  if (s.inside && s.integer_digits == 0 && !s.negative) {
    s.sign_known = s.axis == 0 ? numbers.open_decides_sign : numbers.comma_decides_sign;
  }
  return events;
}

}  // namespace molgen3d::geometry
