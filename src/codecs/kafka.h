// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/codec.h"
#include "settings/options.h"

namespace tailgate::codecs {

/// Writes events for the kafka sink: JSON, and notes for topic, key and headers from the templates `topic`, `key` and
/// `headers`. An event whose topic is missing, illegal or not in `topics` is an error. Problems with the templates are
/// added to the section; nullptr then.
std::unique_ptr<Codec> make_kafka(const settings::Section& options);

/// Kafka's own rule: 1 to 249 of [a-zA-Z0-9._-], neither `.` nor `..` (org.apache.kafka.common.internals.Topic).
Result<void> check_topic_name(std::string_view topic);

/// `*` stands for any run of characters, `?` for one.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace tailgate::codecs
