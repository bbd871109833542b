set(MOLGEN3D_ENGINE_CPU_SOURCES
  cpu/cpu_backend.cpp
  cpu/cpu_operations.cpp
  cpu/packed_weights.cpp
  cpu/huge_buffer.cpp
  cpu/kernels.cpp
  cpu/kernels_avx512_bf16.cpp)
