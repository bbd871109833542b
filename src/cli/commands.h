// Every subcommand, in the order of `molgen3d --help`.
#pragma once

#include "cli/command.h"

namespace molgen3d {

void add_generate_command(CLI::App& app, int& exit_code);
void add_encode_command(CLI::App& app, int& exit_code);
void add_decode_command(CLI::App& app, int& exit_code);
void add_tokens_command(CLI::App& app, int& exit_code);
void add_model_command(CLI::App& app, int& exit_code);
void add_smoke_command(CLI::App& app, int& exit_code);
void add_report_command(CLI::App& app, int& exit_code);
void add_study_command(CLI::App& app, int& exit_code);
void add_evaluate_command(CLI::App& app, int& exit_code);
void add_diagnose_command(CLI::App& app, int& exit_code);
void add_trace_command(CLI::App& app, int& exit_code);
void add_dataset_command(CLI::App& app, int& exit_code);
void add_submit_command(CLI::App& app, int& exit_code);
void add_jobs_command(CLI::App& app, int& exit_code);
void add_serve_command(CLI::App& app, int& exit_code);

inline constexpr AddCommand kCommands[] = {
    add_generate_command, add_encode_command, add_decode_command,   add_tokens_command,
    add_model_command,    add_smoke_command,  add_report_command,   add_study_command,
    add_evaluate_command, add_trace_command,  add_diagnose_command, add_dataset_command,
    add_submit_command,   add_jobs_command,   add_serve_command,
};

}  // namespace molgen3d
