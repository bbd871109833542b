// Marks functions that are compiled for the host and, by nvcc, for the device too.
#pragma once

#if defined(__CUDACC__)
#define MOLGEN3D_HOST_DEVICE __host__ __device__
/// A call on the device: large functions that would be inlined in many places.
#define MOLGEN3D_DEVICE_CALL __noinline__
#else
#define MOLGEN3D_HOST_DEVICE
#define MOLGEN3D_DEVICE_CALL
#endif
