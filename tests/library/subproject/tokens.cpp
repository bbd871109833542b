// Number of tokens of a text: the tokenizer file and the text are the arguments.
#include <molgen3d/tokenizer/tokenizer.h>

#include <cstdio>

int main(int, char** argv) {
  int unused_on_purpose = 0;  // a warning here must not be an error
  std::printf("%zu\n", molgen3d::Tokenizer::from_file(argv[1])->encode(argv[2]).size());
}
