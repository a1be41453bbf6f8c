// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tables.h"

#include <array>

namespace tailgate::pipeline {

using settings::Option;
using settings::Type;

settings::OptionTable root_options() {
  static constexpr std::array kTable = {
      Option{.name = "version",
             .type = Type::integer,
             .default_text = "1",
             .summary = "The version of this contract: 1.",
             .required = true},
      Option{.name = "data_dir",
             .type = Type::text,
             .summary = "Folder of the state, the spool and the dead letters; needed for file "
                        "sources under `run`. "
                        "Relative paths of the settings resolve here."},
      Option{.name = "data_dir_on_network",
             .type = Type::boolean,
             .default_text = "false",
             .summary =
                 "Take a data_dir on a network file system, whose locks cannot keep a second "
                 "process out."},
      Option{
          .name = "memory_limit",
          .type = Type::bytes,
          .default_text = "24MiB",
          .summary =
              "Memory for events on their way, over all sinks. Reading waits when it is used up."},
      Option{.name = "shutdown", .type = Type::any, .summary = "How a stop drains."},
      Option{.name = "sources",
             .type = Type::any,
             .summary = "Where lines come from, by name.",
             .required = true},
      Option{.name = "filters", .type = Type::any, .summary = "The shared chain, in order."},
      Option{.name = "sinks",
             .type = Type::any,
             .summary = "Where events go, by name.",
             .required = true},
      Option{.name = "dead_letters",
             .type = Type::any,
             .summary = "What will not be delivered, with the reason."},
      Option{.name = "admin", .type = Type::any, .summary = "The admin server."},
  };
  return kTable;
}

settings::OptionTable shutdown_options() {
  static constexpr std::array kTable = {
      Option{.name = "grace",
             .type = Type::duration,
             .default_text = "25s",
             .summary = "How long a stop may take in all; must fit the supervisor's own limit."},
      Option{.name = "quiet",
             .type = Type::duration,
             .default_text = "12s",
             .summary = "A stop reads on until nothing came for so long (Envoy flushes its log "
                        "every 10 s), or no "
                        "process has a log open for writing any more."},
  };
  return kTable;
}

settings::OptionTable dead_letter_options() {
  static constexpr std::array kTable = {
      Option{.name = "path",
             .type = Type::text,
             .default_text = "dead",
             .summary = "Folder, relative to data_dir; without a data_dir they go to stderr."},
      Option{.name = "max_bytes",
             .type = Type::bytes,
             .default_text = "1GiB",
             .summary = "All of them together; at least twice the largest max_line_bytes of the "
                        "sources."},
      Option{.name = "max_age",
             .type = Type::duration,
             .default_text = "30d",
             .summary = "Older files are removed; 0: never."},
      Option{.name = "when_full",
             .type = Type::choice,
             .default_text = "block",
             .summary = "block: what needs a dead letter waits. drop_oldest: the oldest file goes.",
             .choices = "block|drop_oldest"},
  };
  return kTable;
}

settings::OptionTable admin_options() {
  static constexpr std::array kTable = {
      Option{.name = "listen",
             .type = Type::listen,
             .default_text = "127.0.0.1:9600",
             .summary = "Address and port of the admin server; `none` for no server."},
  };
  return kTable;
}

settings::OptionTable source_options() {
  static constexpr std::array kTable = {
      Option{
          .name = "type", .type = Type::text, .summary = "Which source this is.", .required = true},
      Option{.name = "format",
             .type = Type::choice,
             .default_text = "json",
             .summary = "What wraps the JSON of a line; auto looks at each line.",
             .choices = "json|cri|docker|journald|auto"},
      Option{.name = "prefix",
             .type = Type::choice,
             .default_text = "none",
             .summary = "skip: the JSON starts at the line's first {.",
             .choices = "none|skip"},
      Option{.name = "not_json",
             .type = Type::choice,
             .default_text = "dead_letter",
             .summary = "A line that does not start with {: skip counts it as filtered, pass makes "
                        "{\"message\": line}.",
             .choices = "dead_letter|skip|pass"},
      Option{.name = "invalid_utf8",
             .type = Type::choice,
             .default_text = "dead_letter",
             .summary = "replace: bytes that are not UTF-8 become U+FFFD.",
             .choices = "dead_letter|replace"},
      Option{.name = "filters",
             .type = Type::any,
             .summary = "This source's filters, before the shared chain."},
  };
  return kTable;
}

settings::OptionTable sink_options() {
  static constexpr std::array kTable = {
      Option{
          .name = "type", .type = Type::text, .summary = "Which sink this is.", .required = true},
      Option{.name = "when",
             .type = Type::condition,
             .summary = "Routing: only events that match come here."},
      Option{.name = "filters",
             .type = Type::any,
             .summary = "This sink's filters, after the shared chain."},
      Option{.name = "batch", .type = Type::any, .summary = "How events are put together."},
      Option{.name = "ordering",
             .type = Type::choice,
             .default_text = "none",
             .summary =
                 "strict: one attempt at a time; nothing newer leaves before older is settled. An "
                 "event that is refused alone holds the others up for `retry.event_attempts`.",
             .choices = "none|strict"},
      Option{.name = "max_in_flight",
             .type = Type::integer,
             .default_text = "4",
             .summary = "Attempts under way at the same time."},
      Option{.name = "timeout",
             .type = Type::duration,
             .summary = "Of one attempt. Must exceed the other side's own: one that gives up early "
                        "makes duplicates. "
                        "Default: 65s for eventgate, 30s otherwise.",
             .positive = true},
      Option{.name = "retry", .type = Type::any, .summary = "How failures are tried again."},
  };
  return kTable;
}

settings::OptionTable batch_options() {
  static constexpr std::array kTable = {
      Option{.name = "max_events",
             .type = Type::integer,
             .default_text = "500",
             .summary = "Events in a request."},
      Option{.name = "max_bytes",
             .type = Type::bytes,
             .summary = "Bytes of a request's body, before compression. Default: 90KiB for "
                        "eventgate (its stock limit is "
                        "100 KiB), 1MiB otherwise.",
             .positive = true},
      Option{.name = "max_wait",
             .type = Type::duration,
             .default_text = "1s",
             .summary = "How long an event waits for others."},
  };
  return kTable;
}

settings::OptionTable retry_options() {
  static constexpr std::array kTable = {
      Option{.name = "initial",
             .type = Type::duration,
             .default_text = "200ms",
             .summary = "The first wait's upper end; doubles with every failure (full jitter)."},
      Option{.name = "max",
             .type = Type::duration,
             .default_text = "30s",
             .summary = "The longest wait."},
      Option{.name = "event_attempts",
             .type = Type::integer,
             .default_text = "20",
             .summary =
                 "Attempts with evidence against an event, after which it is a dead letter. "
                 "An outage is never evidence. With `ordering: strict`, where no other event "
                 "can be accepted meanwhile, also refusals (400, 422) of the event alone."},
  };
  return kTable;
}

settings::OptionTable filter_step_options() {
  static constexpr std::array kTable = {
      Option{.name = "when",
             .type = Type::condition,
             .summary = "The filter applies only to events that match."},
      Option{.name = "on_error",
             .type = Type::choice,
             .default_text = "dead_letter",
             .summary = "What becomes of an event that the filter fails on.",
             .choices = "dead_letter|keep|drop"},
  };
  return kTable;
}

}  // namespace tailgate::pipeline
