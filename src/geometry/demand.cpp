#include "geometry/demand.h"

#include "base/error.h"

namespace molgen3d::geometry {

namespace {

struct Part {
  const char* name;
  bool Demand::*flag;
};
constexpr Part kParts[] = {{"bonds", &Demand::bonds},
                           {"angles", &Demand::angles},
                           {"clashes", &Demand::clashes},
                           {"planes", &Demand::planes}};

constexpr const char* kWords =
    "off, stereo, full, posebusters, or stereo+ with some of bonds, angles, clashes, planes";

}  // namespace

Demand demand_of(const std::string& words) {
  if (words == "off") return Level::kOff;
  if (words == "stereo") return Level::kStereo;
  if (words == "full") return Level::kFull;
  Demand out(Level::kFull);
  if (words == "posebusters") {
    out.posebusters = true;
    return out;
  }
  const auto refuse = [&] {
    return Error::format("geometry {}: not one of {}", in_quotes(words), kWords);
  };
  size_t plus = words.find('+');
  if (plus == std::string::npos || words.substr(0, plus) != "stereo") throw refuse();
  for (const Part& part : kParts) out.*part.flag = false;
  while (plus != std::string::npos) {
    const size_t next = words.find('+', plus + 1);
    const std::string name = words.substr(plus + 1, next - plus - 1);
    bool known = false;
    for (const Part& part : kParts) {
      if (name != part.name) continue;
      out.*part.flag = true;
      known = true;
    }
    if (!known) throw refuse();
    plus = next;
  }
  return out;
}

std::string demand_name(const Demand& demand) {
  if (demand.level == Level::kOff) return "off";
  if (demand.level == Level::kStereo) return "stereo";
  if (demand.posebusters) return "posebusters";
  std::string parts = "stereo";
  bool all = true;
  for (const Part& part : kParts) {
    if (demand.*part.flag)
      parts += std::string("+") + part.name;
    else
      all = false;
  }
  return all ? "full" : parts;
}

void relax(HardSetTables& tables, const Demand& demand) {
  for (PairLimit& pair : tables.pairs) {
    switch (pair.relation) {
      case Relation::kBond:
        if (!demand.bonds) pair = {0, PairLimit::kNoLimit, pair.relation};
        break;
      case Relation::kAngle:
        if (!demand.angles) pair = {0, PairLimit::kNoLimit, pair.relation};
        break;
      case Relation::kFar:
        if (!demand.clashes) pair.low = 0;
        if (!demand.bonds) pair.high = PairLimit::kNoLimit;
        break;
    }
  }
  if (!demand.planes) {
    tables.planes.clear();
    tables.plane_atoms.clear();
  }
}

}  // namespace molgen3d::geometry
