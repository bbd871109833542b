#include "quality/evaluation.h"

#include <RDGeneral/versions.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>

#include "base/error.h"
#include "base/seeded_hash.h"
#include "molecule/stereo.h"
#include "quality/conformer_distances.h"
#include "quality/etkdg.h"
#include "quality/sample_judge.h"

namespace molgen3d {

namespace {
constexpr size_t kChunk = 1024;  // samples whose molecules are in memory at a time
}

struct Evaluator::Impl {
  Impl(ReferenceSet set, EvaluationOptions wanted, ThreadPool& threads)
      : references(std::move(set)), options(std::move(wanted)), pool(threads) {
    for (const ReferenceMolecule& m : references.molecules) {
      add(m.graph, m.smiles, m.flat_smiles, m.title, m.conformers);
    }
    reference_count = subjects.size();
    prepare();
  }

  size_t add(const Molecule& graph, const std::string& smiles, const std::string& flat,
             const std::string& title, const std::vector<Coordinates>& conformers) {
    const size_t index = subjects.size();
    subjects.push_back(std::make_unique<Subject>(graph, smiles, conformers));
    molecules.push_back({title, smiles, conformers.size(), 0, false, {}});
    by_smiles.try_emplace(smiles, index);
    if (!conformers.empty()) {
      const auto [found, is_new] = by_flat.try_emplace(flat, index);
      if (!is_new) found->second = SampleScore::kUnknown;  // more than one: no fallback
      const auto [titled, new_title] = by_title.try_emplace(title, index);
      if (!new_title) titled->second = SampleScore::kUnknown;
    }
    return index;
  }

  // Symmetry and bounds of the molecules that came since the last call.
  void prepare() {
    const size_t first = prepared;
    prepared = subjects.size();
    pool.parallel_for(prepared - first, 1, [&](size_t begin, size_t end) {
      for (size_t i = first + begin; i < first + end; ++i) {
        subjects[i]->prepare(options.symmetry);
        molecules[i].automorphisms = subjects[i]->automorphisms();
        molecules[i].capped = subjects[i]->capped();
        molecules[i].no_bounds = subjects[i]->no_bounds();
      }
    });
  }

  // The molecule that a sample is of. New ones are added without references.
  size_t find(const GeneratedSample& sample, const ParsedSample& parsed, RowScores& row) {
    if (options.match == MatchBy::kTitle) {
      const auto found = by_title.find(sample.title);
      if (found != by_title.end() && found->second != SampleScore::kUnknown) return found->second;
    }
    if (parsed.smiles.empty()) return SampleScore::kUnknown;
    const auto exact = by_smiles.find(parsed.smiles);
    if (exact != by_smiles.end() &&
        (options.match == MatchBy::kSmiles || exact->second >= reference_count))
      return exact->second;
    if (options.match == MatchBy::kSmiles) {
      const auto flat = by_flat.find(parsed.flat_smiles);
      if (flat != by_flat.end() && flat->second != SampleScore::kUnknown) {
        ++row.matched_without_stereo;
        return flat->second;
      }
    }
    try {
      return add(Molecule::from_smiles(parsed.smiles), parsed.smiles, parsed.flat_smiles,
                 sample.title, {});
    } catch (const Error&) {  // RDKit writes a few SMILES that it does not read
      return SampleScore::kUnknown;
    }
  }

  // Remembers a sample that has nothing to be compared with. One line per molecule and row.
  void unmatched(const GeneratedSample& sample, const std::string& smiles, const char* cause,
                 RowScores& row) const {
    auto& list = row.unmatched;
    // From the back: the samples of a molecule mostly follow each other.
    const auto known = std::find_if(list.rbegin(), list.rend(), [&](const UnmatchedSamples& u) {
      return u.smiles == smiles && u.title == sample.title && u.cause == cause;
    });
    if (known != list.rend()) {
      ++known->count;
    } else {
      list.push_back({sample.source, smiles, sample.title, cause, 1});
    }
  }

  // What is to be said about a sample before it is judged.
  void look_at(const GeneratedSample& sample, const ParsedSample& parsed, size_t molecule,
               RowScores& row) const {
    if (!parsed.unreadable_smiles.empty())
      row.unreadable_smiles.push_back(sample.source + ": " + parsed.unreadable_smiles);
    if (parsed.asked) {
      const Molecule& asked = *parsed.asked->molecule;
      for (const std::string& note : asked.notes())
        row.notes.insert(fmt::format("{}: {}", in_quotes(sample.smiles), note));
      for (const std::string& what : unjudged_stereo(asked))
        row.notes.insert(fmt::format("{}: {} is not judged", in_quotes(sample.smiles), what));
    }
    if (reference_count == 0 || parsed.smiles.empty()) return;
    if (molecule < reference_count) return;  // kUnknown is larger
    unmatched(sample, parsed.smiles, "matches no reference", row);
  }

  size_t asked_of(size_t molecule) const {
    return options.twice_references ? 2 * molecules[molecule].references : options.samples;
  }

  void report(size_t done, size_t total, const std::string& what) const {
    if (options.progress) options.progress(done, total, what);
  }

  // Keeps the first ones when the number of samples per molecule is set; adds the missing ones.
  void settle_counts(RowScores& row) {
    std::vector<size_t> count(subjects.size(), 0);
    std::vector<SampleScore> kept;
    for (SampleScore& s : row.samples) {
      const size_t wanted = s.molecule == SampleScore::kUnknown ? 0 : asked_of(s.molecule);
      if (wanted > 0 && count[s.molecule]++ >= wanted) {
        ++row.surplus;
        continue;
      }
      kept.push_back(std::move(s));
    }
    for (size_t m = 0; m < count.size(); ++m) {
      for (size_t i = count[m]; count[m] > 0 && i < asked_of(m); ++i) {
        SampleScore missing;
        missing.molecule = m;
        missing.failure = "missing from the file";
        kept.push_back(std::move(missing));
      }
    }
    row.samples = std::move(kept);
  }

  void collect(RowScores& row) const {
    row.samples_of.assign(subjects.size(), {});
    for (size_t i = 0; i < row.samples.size(); ++i) {
      const SampleScore& s = row.samples[i];
      if (!s.valid()) ++row.failures[s.failure];
      if (s.molecule == SampleScore::kUnknown) continue;
      row.samples_of[s.molecule].push_back(i);
      if (s.valid() && molecules[s.molecule].references == 0) ++row.without_reference;
    }
  }

  ReferenceSet references;
  EvaluationOptions options;
  ThreadPool& pool;
  std::vector<std::unique_ptr<Subject>> subjects;
  std::vector<EvaluatedMolecule> molecules;
  size_t reference_count = 0, prepared = 0;
  TextMap<size_t> by_smiles, by_flat, by_title;
  SmilesCache canonical;
};

Evaluator::Evaluator(ReferenceSet references, EvaluationOptions options, ThreadPool& pool)
    : impl_(std::make_unique<Impl>(std::move(references), std::move(options), pool)) {}
Evaluator::~Evaluator() = default;

const std::vector<EvaluatedMolecule>& Evaluator::molecules() const {
  return impl_->molecules;
}
size_t Evaluator::reference_molecules() const {
  return impl_->reference_count;
}
const ReferenceSet& Evaluator::references() const {
  return impl_->references;
}
const EvaluationOptions& Evaluator::options() const {
  return impl_->options;
}
const Molecule& Evaluator::graph(size_t molecule) const {
  return impl_->subjects.at(molecule)->graph();
}

std::string Evaluator::rdkit_version() {
  return RDKit::rdkitVersion;
}

RowScores Evaluator::score(const GeneratedSet& set) {
  Impl& self = *impl_;
  RowScores row;
  row.label = set.label;
  row.path = set.path;
  row.settings = set.settings;
  row.note = set.note;
  row.seconds = set.seconds;
  row.refused = set.refused;
  row.samples.resize(set.samples.size());
  for (size_t first = 0; first < set.samples.size(); first += kChunk) {
    const size_t count = std::min(kChunk, set.samples.size() - first);
    std::vector<ParsedSample> parsed(count);
    self.pool.parallel_for(count, 8, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i)
        parsed[i] = parse_sample(set.samples[first + i], self.canonical);
    });
    for (size_t i = 0; i < count; ++i) {  // in the order of the file
      SampleScore& score = row.samples[first + i];
      score.run = set.samples[first + i].run;
      score.failure = parsed[i].failure;
      score.molecule = self.find(set.samples[first + i], parsed[i], row);
      if (score.molecule == SampleScore::kUnknown && score.valid())
        score.failure = "unknown molecule";
      self.look_at(set.samples[first + i], parsed[i], score.molecule, row);
    }
    self.prepare();
    self.pool.parallel_for(count, 8, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        SampleScore& score = row.samples[first + i];
        if (!score.valid()) continue;
        self.subjects[score.molecule]->judge(parsed[i], self.options.strain, score);
      }
    });
    for (size_t i = 0; i < count; ++i) {
      const SampleScore& score = row.samples[first + i];
      if (self.options.match == MatchBy::kTitle && score.failure == kAnotherMolecule) {
        self.unmatched(set.samples[first + i], parsed[i].smiles,
                       "is another molecule than the reference of its title", row);
      }
    }
    self.report(first + count, set.samples.size(), set.label + ": samples");
  }
  self.settle_counts(row);
  self.collect(row);

  std::vector<DistanceJob> jobs;
  for (size_t m = 0; m < self.subjects.size(); ++m) {
    DistanceJob job{&self.subjects[m]->kernel(), {}, {}};
    for (const Coordinates& c : self.subjects[m]->references()) job.references.push_back(&c);
    for (const size_t i : row.samples_of[m]) {
      if (row.samples[i].valid()) job.generated.push_back(&row.samples[i].coordinates);
    }
    jobs.push_back(std::move(job));
  }
  const auto progress = [&](size_t done, size_t total) {
    self.report(done, total, set.label + ": distances");
  };
  row.distances = nearest_distances(jobs, self.pool, progress);
  for (size_t m = 0; m < jobs.size(); ++m)
    row.distances[m].failed_samples = row.samples_of[m].size() - jobs[m].generated.size();
  row.distinct = count_distinct(jobs, self.options.distinct, self.pool);
  return row;
}

RowScores Evaluator::score_references() {
  Impl& self = *impl_;
  RowScores row;
  row.label = "reference";
  row.path = self.references.path;
  std::vector<const Coordinates*> points;
  for (size_t m = 0; m < self.reference_count; ++m) {
    for (const Coordinates& c : self.subjects[m]->references()) {
      SampleScore score;
      score.molecule = m;
      row.samples.push_back(std::move(score));
      points.push_back(&c);
    }
  }
  self.pool.parallel_for(points.size(), 32, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      SampleScore& score = row.samples[i];
      self.subjects[score.molecule]->judge(*points[i], self.options.strain, score);
    }
  });
  self.collect(row);
  return row;
}

GeneratedSet Evaluator::etkdg(bool mmff, uint64_t seed, const RowScores* like) {
  Impl& self = *impl_;
  GeneratedSet out;
  out.label = mmff ? "RDKit ETKDGv3 + MMFF94" : "RDKit ETKDGv3";
  out.settings = fmt::format("{}, seed {}", out.label, seed);
  const size_t molecules = like ? self.subjects.size() : self.reference_count;
  std::vector<std::vector<GeneratedSample>> made(molecules);
  std::atomic<size_t> done{0};
  self.pool.parallel_for(molecules, 1, [&](size_t begin, size_t end) {
    for (size_t m = begin; m < end; ++m) {
      size_t count = self.asked_of(m) > 0 ? self.asked_of(m) : 2 * self.molecules[m].references;
      // Molecules that came with later sets are not in `like`.
      if (like) count = m < like->samples_of.size() ? like->samples_of[m].size() : 0;
      std::string failure = count > 0 ? "embedding failed" : "";
      std::vector<Coordinates> conformers;
      if (count > 0) {
        try {
          conformers = etkdg_conformers(self.subjects[m]->graph(), count, {seed, mmff});
        } catch (const Error& error) {
          failure = error.what();
        }
      }
      for (size_t i = 0; i < count; ++i) {
        GeneratedSample sample;
        sample.smiles = self.molecules[m].smiles;
        sample.title = self.molecules[m].title;
        sample.source = out.label;
        if (i < conformers.size()) {
          sample.coordinates = std::move(conformers[i]);
        } else {
          sample.failure = failure;
        }
        made[m].push_back(std::move(sample));
      }
      // Printed by whichever thread gets there; the pool has no other.
      if (const size_t now = ++done; now % 8 == 0 || now == molecules)
        self.report(now, molecules, out.label);
    }
  });
  for (auto& samples : made)
    std::move(samples.begin(), samples.end(), std::back_inserter(out.samples));
  return out;
}

}  // namespace molgen3d
