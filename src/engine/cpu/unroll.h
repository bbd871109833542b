// Loops over accumulators must be unrolled whole, else the accumulators live in memory.
#pragma once

#if defined(__clang__)
#define MOLGEN3D_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define MOLGEN3D_UNROLL _Pragma("GCC unroll 16")
#else
#define MOLGEN3D_UNROLL
#endif
