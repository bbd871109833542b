// Marks functions that are compiled for the host and, by nvcc, for the device too.
#pragma once

#if defined(__CUDACC__)
#define MOLGEN3D_HOST_DEVICE __host__ __device__
#else
#define MOLGEN3D_HOST_DEVICE
#endif
