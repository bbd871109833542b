// Attention on devices without a copy engine; attention.cu chooses.
#pragma once

#include "engine/cuda/kernels.h"

namespace molgen3d::cuda {

void attend_ampere(const Stream& stream, const AttentionArguments& arguments, int blocks);
int ampere_resident_blocks(int head_dim);
void prepare_ampere_attention(int head_dim);

}  // namespace molgen3d::cuda
