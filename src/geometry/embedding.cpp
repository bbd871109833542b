#include "geometry/embedding.h"

#include "geometry/completion.h"
#include "geometry/search_state.h"

namespace molgen3d::geometry {

std::vector<Position> embed(const HardSetTables& tables) {
  const HardSet set = make_hard_set(tables);
  const HardSetView view = set.view();
  std::vector<int32_t> words(static_cast<size_t>(projection_words(view.atoms())));
  std::vector<Position> places(static_cast<size_t>(view.atoms()));
  Completion<Solo> completion(Solo{}, view, projection_memory(words.data(), view.atoms()),
                              NumberText{});
  if (!completion.embed(places.data())) places.clear();
  return places;
}

}  // namespace molgen3d::geometry
